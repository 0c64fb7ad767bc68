// Many exact texts, one look-up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gate::rules {

// Immutable after construction.
class StringSet {
 public:
  StringSet();
  // `lines`: where each entry stands; empty: nowhere, which is line 0.
  explicit StringSet(std::span<const std::string> entries,
                     std::span<const uint32_t> lines = {});
  StringSet(StringSet&&) noexcept;
  StringSet& operator=(StringSet&&) noexcept;
  ~StringSet();

  // The line of the entry `text`; empty: there is none.
  std::optional<uint32_t> Find(std::string_view text) const;
  bool Contains(std::string_view text) const { return Find(text).has_value(); }
  size_t size() const;

 private:
  struct Index;
  std::unique_ptr<const Index> index_;
};

}  // namespace gate::rules
