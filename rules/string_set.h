// Many exact texts, one look-up.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace gate::rules {

// Immutable after construction.
class StringSet {
 public:
  StringSet();
  explicit StringSet(std::span<const std::string> entries);
  StringSet(StringSet&&) noexcept;
  StringSet& operator=(StringSet&&) noexcept;
  ~StringSet();

  bool Contains(std::string_view text) const;
  size_t size() const;

 private:
  struct Index;
  std::unique_ptr<const Index> index_;
};

}  // namespace gate::rules
