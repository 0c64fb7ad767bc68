// How often a text stands in another one.
#pragma once

#include <cstddef>
#include <string_view>

namespace gate {

// `of` is not empty.
inline size_t Occurrences(std::string_view text, std::string_view of) {
  size_t count = 0;
  for (size_t at = text.find(of); at != std::string_view::npos;
       at = text.find(of, at + of.size())) {
    ++count;
  }
  return count;
}

}  // namespace gate
