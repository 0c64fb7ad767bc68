// A hash table of texts and the lines where they stand, in little memory,
// behind StringSet and DomainSet: one kept text and the offsets of the entries
// in it (facts.md section 9: a third of what a set of strings takes).
//
// Hashes run from a text's end to its begin, so that one pass over a domain
// gives the hash of each of its suffixes. Add all, then only ask.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_set.h"

namespace gate::rules {

// The hash of a text that is read backwards, one byte at a time (FNV-1a, 64
// bits).
class ReverseHash {
 public:
  void Add(char c) {
    state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  void AddText(std::string_view text) {
    for (size_t i = text.size(); i > 0; --i) Add(text[i - 1]);
  }
  // Mixed: the table takes its slot from some of the bits.
  size_t value() const {
    const uint64_t mixed = (state_ ^ (state_ >> 32)) * 0x9e3779b97f4a7c15;
    return mixed ^ (mixed >> 29);
  }

 private:
  uint64_t state_ = 0xcbf29ce484222325;
};

// Immutable after the last Add. Neither copied nor moved: its table knows
// where the text is.
class TextIndex {
 public:
  TextIndex() : offsets_(0, Hash{&text_}, Equal{&text_}) {}
  TextIndex(const TextIndex&) = delete;
  TextIndex& operator=(const TextIndex&) = delete;

  void Reserve(size_t entries, size_t bytes);
  // Of equal entries the first one counts. Requires: all entries together are
  // below 4 GB.
  void Add(std::string_view entry, uint32_t line);

  // The line of `entry`; empty: there is none.
  std::optional<uint32_t> Find(std::string_view entry) const;
  // `hash`: of `entry`.
  std::optional<uint32_t> Find(std::string_view entry,
                               const ReverseHash& hash) const {
    const auto found = offsets_.find(Probe{entry, hash.value()});
    if (found == offsets_.end()) return std::nullopt;
    return HeadAt(text_, *found).line;
  }
  size_t size() const { return offsets_.size(); }

 private:
  struct Head {  // stands before each entry
    uint32_t length = 0;
    uint32_t line = 0;
  };

  struct Probe {
    std::string_view entry;
    size_t hash;
  };
  static Head HeadAt(const std::string& text, uint32_t offset) {
    Head head;
    std::memcpy(&head, text.data() + offset, sizeof(head));
    return head;
  }
  static std::string_view EntryAt(const std::string& text, uint32_t offset);
  struct Hash {
    using is_transparent = void;
    const std::string* text;
    size_t operator()(uint32_t offset) const;
    size_t operator()(const Probe& probe) const { return probe.hash; }
  };
  struct Equal {
    using is_transparent = void;
    const std::string* text;
    bool operator()(uint32_t a, uint32_t b) const { return a == b; }
    bool operator()(uint32_t offset, const Probe& probe) const {
      return EntryAt(*text, offset) == probe.entry;
    }
  };

  std::string text_;
  absl::flat_hash_set<uint32_t, Hash, Equal> offsets_;
};

}  // namespace gate::rules
