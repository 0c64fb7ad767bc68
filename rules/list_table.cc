#include "rules/list_table.h"

#include <array>

namespace gate::rules {

std::string_view ListTypeName(ListType type) {
  static constexpr std::array<std::string_view, 5> kNames = {
      "domains", "networks", "addresses", "strings", "patterns"};
  return kNames[static_cast<size_t>(type)];
}

bool ListContents::Holds(std::string_view text, bool is_folded) const {
  switch (type) {
    case ListType::kDomains:
      return domains.Contains(text);
    case ListType::kAddresses:
    case ListType::kStrings:
      return strings.Contains(text) ||
             (is_folded && folded_strings.Contains(text));
    case ListType::kPatterns:
      return patterns->MatchesAny(text) ||
             (is_folded && folded_patterns->MatchesAny(text));
    case ListType::kNetworks:
      break;  // refused by the checker
  }
  return false;
}

namespace {

std::optional<uint32_t> LineOf(const PatternSet& patterns,
                               const std::vector<uint32_t>& lines,
                               std::string_view text) {
  const auto first = patterns.FirstMatch(text);
  return first ? std::optional(lines[*first]) : std::nullopt;
}

}  // namespace

std::optional<uint32_t> ListContents::Find(std::string_view text,
                                           bool is_folded) const {
  std::optional<uint32_t> line;
  switch (type) {
    case ListType::kDomains:
      return domains.Find(text);
    case ListType::kAddresses:
    case ListType::kStrings:
      line = strings.Find(text);
      return line || !is_folded ? line : folded_strings.Find(text);
    case ListType::kPatterns:
      line = LineOf(*patterns, pattern_lines, text);
      return line || !is_folded
                 ? line
                 : LineOf(*folded_patterns, folded_pattern_lines, text);
    case ListType::kNetworks:
      break;
  }
  return std::nullopt;
}

}  // namespace gate::rules
