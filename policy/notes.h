// Rules that held at one event and did not decide it: shadows, log, ban and
// edits of headers, in the order of the rules.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "rules/policy.h"

namespace gate::policy {

struct Note {
  const rules::Rule* rule = nullptr;
  // What a log rule says, or the reply of a shadow rule; else empty.
  std::string text;
};

// Confined to one connection; memory is kept.
class Notes {
 public:
  void Clear() { size_ = 0; }
  // A note whose text is empty.
  Note& Append(const rules::Rule& rule) {
    if (size_ == notes_.size()) notes_.emplace_back();
    Note& note = notes_[size_++];
    note.rule = &rule;
    note.text.clear();
    return note;
  }
  std::span<const Note> list() const { return {notes_.data(), size_}; }

 private:
  std::vector<Note> notes_;
  size_t size_ = 0;
};

}  // namespace gate::policy
