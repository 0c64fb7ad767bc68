// Many regular expressions over one text. The only file that knows RE2.
//
// Flags: i (case), s (dot matches newline), m (^ and $ at lines). Unanchored.
// A pattern is a byte-exact RE2 text over valid UTF-8; a backslash class such
// as \d is ASCII. Memory: 8 MB a pattern, 256 MB for the set of all.
// Add all, then Compile once, then Scan from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "rules/glob.h"

namespace gate::rules {

// Immutable after Compile.
class PatternSet {
 public:
  PatternSet();
  ~PatternSet();
  PatternSet(const PatternSet&) = delete;
  PatternSet& operator=(const PatternSet&) = delete;

  // The index of the pattern (equal ones share it), or the fault: text and
  // the byte offset inside the pattern where it lies (0 when unknown).
  struct Fault {
    std::string text;
    size_t offset = 0;
    size_t length = 0;
  };
  std::optional<Fault> Add(std::string_view pattern, std::string_view flags,
                           uint32_t& index);
  // Fault-only check, for the checker.
  static std::optional<Fault> Check(std::string_view pattern,
                                    std::string_view flags);
  // An error text when the whole set is too large; empty: compiled.
  std::string Compile();

  size_t size() const;
  bool MatchesAny(std::string_view text) const;
  // The first pattern that matches; empty: none does. Does not allocate after
  // warm-up.
  std::optional<uint32_t> FirstMatch(std::string_view text) const;
  // hits[i] = 1 where pattern i matches, else 0. Requires: hits.size() ==
  // size(). Does not allocate after warm-up.
  void Scan(std::string_view text, std::span<uint8_t> hits) const;
  bool Matches(uint32_t index, std::string_view text) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gate::rules
