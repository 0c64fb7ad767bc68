#include "rules/list_table.h"

#include <array>

namespace gate::rules {

std::string_view ListTypeName(ListType type) {
  static constexpr std::array<std::string_view, 5> kNames = {
      "domains", "networks", "addresses", "strings", "patterns"};
  return kNames[static_cast<size_t>(type)];
}

}  // namespace gate::rules
