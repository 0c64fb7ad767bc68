// The edits that rules note while a message is under way, and the list that
// the door carries out at its end.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "policy/verdict.h"

namespace gate::policy {

// Invariant: the first `committed_` of the `noted_` edits belong to events
// that were not refused. Confined to one connection; memory is kept.
class HeaderEdits {
 public:
  // A new message.
  void Clear();
  // A cleared edit of the event under way; the caller fills its value.
  // Requires: `name` outlives the message.
  HeaderEdit& Note(HeaderEdit::Kind kind, std::string_view name);
  // The event under way was not refused, or was.
  void Commit() { committed_ = noted_count_; }
  void Rollback() { noted_count_ = committed_; }
  // The message has a header of a name that is ours to add: whatever rules
  // hold, nobody behind us may take it for ours.
  void StripIncoming(std::string_view name);
  // Makes result() from the committed edits: per name the last `set` or
  // `remove` counts, `add` adds to either.
  void Resolve();
  // Empty before Resolve. In the order of the rules, stripped names first.
  std::span<const HeaderEdit> result() const {
    return {result_.data(), result_count_};
  }

 private:
  HeaderEdit& Append(HeaderEdit::Kind kind, std::string_view name);
  // The edit of the incoming headers of this name; appended when missing.
  HeaderEdit& IncomingEdit(HeaderEdit::Kind kind, std::string_view name);

  std::vector<HeaderEdit> noted_;
  size_t noted_count_ = 0;
  size_t committed_ = 0;
  std::vector<std::string_view> stripped_;
  std::vector<HeaderEdit> result_;
  size_t result_count_ = 0;
};

}  // namespace gate::policy
