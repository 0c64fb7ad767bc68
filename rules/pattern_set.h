// Many regular expressions over one text. The only file that knows RE2.
//
// Flags: i (case), s (dot matches newline), m (^ and $ at lines). Unanchored.
// Add all, then Compile once, then Scan from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

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
  // hits[i] = 1 where pattern i matches, else 0. Requires: hits.size() ==
  // size(). Does not allocate after warm-up.
  void Scan(std::string_view text, std::span<uint8_t> hits) const;
  bool Matches(uint32_t index, std::string_view text) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A glob (`*`, `?`, `[a-z]`, backslash quotes) as an anchored regular
// expression for the same set.
std::string GlobToRegex(std::string_view glob);

}  // namespace gate::rules
