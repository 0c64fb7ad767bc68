// A decision read from its record (proto/decision.proto), as the log, the page,
// `tail` and `why` show it. DecisionWriter writes records.
//
// One DecisionRecord reads many records, one after the other: memory is kept.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "policy/store.h"
#include "rules/fact_set.h"
#include "rules/policy.h"

namespace gate::policy {

struct RecordedAnswer {
  std::optional<rules::LimitId> limit;  // of a limit, else of a ban
  rules::BanKeyId ban_key;
  std::string_view subject;  // the key's value; empty for earlier answers
  uint64_t units = 0;
  Answer answer;
};

struct RecordedNote {
  rules::RuleId rule;
  std::string_view text;
};

struct RecordedTest {
  rules::Truth truth = rules::Truth::kFalse;
  uint32_t entry_line = 0;  // of the list's entry that was found; 0: none
};

// Views are valid until the next Parse. Confined to one thread.
class DecisionRecord {
 public:
  DecisionRecord();
  ~DecisionRecord();
  DecisionRecord(DecisionRecord&&) noexcept;
  DecisionRecord& operator=(DecisionRecord&&) noexcept;

  // False when `bytes` are no record that this version understands.
  bool Parse(std::string_view bytes);

  int64_t wall_us = 0;
  uint64_t reference = 0;  // 0: none
  uint64_t policy = 0;     // PolicyNumber
  rules::Stage stage = rules::Stage::kConnect;
  rules::Action action = rules::Action::kAccept;
  std::optional<rules::RuleId> rule;  // none: no rule decided
  uint16_t code = 0;                  // reject, defer
  std::string_view enhanced;
  std::string_view text;
  bool kept = false;
  bool repeat = false;
  bool given = true;
  bool cut = false;  // texts were cut, or facts left out
  // With those that follow from others, but for time.* and the body.
  rules::FactSet facts;
  uint32_t header_names = 0;  // that `facts` has room for
  std::vector<RecordedAnswer> answers;
  std::vector<RecordedNote> notes;
  std::vector<RecordedTest> tests;

  // An event that no rule decided, kept as a sample or for its notes.
  bool refuses() const {
    return action == rules::Action::kReject || action == rules::Action::kDefer;
  }
  bool plain() const { return !rule && action == rules::Action::kAccept; }

 private:
  struct Message;
  void ReadFacts();
  void ReadStore();
  void AddDerived();

  std::unique_ptr<Message> message_;
};

}  // namespace gate::policy
