// What gatemilter decides about one event, and the edits of a message.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/policy.h"

namespace gate::policy {

inline bool Refuses(rules::Action action) {
  return action == rules::Action::kReject || action == rules::Action::kDefer;
}

// Views point into the session or its policy: valid until its next event.
struct Verdict {
  rules::Action action = rules::Action::kAccept;  // one that Decides()
  uint16_t code = 0;                              // reject, defer
  std::string_view enhanced = {};                 // "5.7.1"; same class as code
  std::string_view text = {};  // valid UTF-8, not yet made fit for SMTP
  // The rule that decided; null: no rule held (accept), or the store is away
  // (defer).
  const rules::Rule* rule = nullptr;
  rules::Stage stage = rules::Stage::kConnect;
  bool kept = false;       // to be given later: a refusal of connect or helo at
                           // MAIL, a quarantine at end of message; the door
                           // answers "continue" now
  bool repeat = false;     // a kept verdict given (again)
  uint64_t reference = 0;  // of a refusal (reference.h); 0: none
  bool shows_reference = false;   // its reply does
  std::string_view contact = {};  // whom its reply names; empty: nobody

  bool refuses() const { return Refuses(action); }
};

struct HeaderEdit {
  enum class Kind : uint8_t { kAdd, kSet, kRemove };
  Kind kind = Kind::kAdd;
  std::string_view name;
  std::string value;  // valid UTF-8; the door encodes and folds
};

}  // namespace gate::policy
