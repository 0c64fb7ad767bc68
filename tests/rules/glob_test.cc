#include "rules/glob.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include "rules/pattern_set.h"

namespace gate::rules {
namespace {

using namespace std::string_view_literals;

struct GlobCase {
  std::string_view name;
  std::string_view glob;
  std::string_view text;
  bool matches = false;
};

class Glob : public testing::TestWithParam<GlobCase> {};

TEST_P(Glob, MatchesTheWholeText) {
  PatternSet set;
  uint32_t index = 0;
  ASSERT_FALSE(set.Add(GlobToRegex(GetParam().glob), "", index).has_value());
  ASSERT_EQ(set.Compile(), "");
  EXPECT_EQ(set.Matches(index, GetParam().text), GetParam().matches);
}

INSTANTIATE_TEST_SUITE_P(
    All, Glob,
    testing::ValuesIn(std::to_array<GlobCase>({
        {.name = "Star",
         .glob = "*.example.org",
         .text = "mx.example.org",
         .matches = true},
        {.name = "DotIsADot",
         .glob = "*.example.org",
         .text = "mx.exampleXorg"},
        {.name = "StarIsEmpty", .glob = "a*b", .text = "ab", .matches = true},
        {.name = "StarCrossesLines",
         .glob = "a*b",
         .text = "a\n\nb",
         .matches = true},
        {.name = "Anchored", .glob = "a*b", .text = "xab"},
        {.name = "AnchoredBehind", .glob = "a*b", .text = "abx"},
        {.name = "AnchoredAtANewline", .glob = "ab", .text = "ab\n"},
        {.name = "Question", .glob = "a?b", .text = "axb", .matches = true},
        {.name = "QuestionIsOne", .glob = "a?b", .text = "ab"},
        {.name = "QuestionIsACharacter",
         .glob = "a?b",
         .text = "aüb",
         .matches = true},
        {.name = "Class", .glob = "a[b-d]", .text = "ac", .matches = true},
        {.name = "ClassMiss", .glob = "a[b-d]", .text = "ae"},
        {.name = "NegatedClass",
         .glob = "a[!b-d]",
         .text = "ae",
         .matches = true},
        {.name = "NegatedClassMiss", .glob = "a[^b-d]", .text = "ac"},
        {.name = "BracketInClass",
         .glob = "[]a]",
         .text = "]",
         .matches = true},
        {.name = "EscapeInClass",
         .glob = "[\\]a]",
         .text = "]",
         .matches = true},
        {.name = "CaretInClass", .glob = "[a^]", .text = "^", .matches = true},
        {.name = "NamedClassIsNone", .glob = "[[:alpha:]]", .text = "x"},
        {.name = "OpenClassIsText",
         .glob = "a[b",
         .text = "a[b",
         .matches = true},
        {.name = "QuotedStar", .glob = "a\\*", .text = "a*", .matches = true},
        {.name = "QuotedStarMiss", .glob = "a\\*", .text = "ab"},
        {.name = "LastBackslashIsText",
         .glob = "a\\",
         .text = "a\\",
         .matches = true},
        {.name = "RegexIsText",
         .glob = "(a|b)+{2}^$.",
         .text = "(a|b)+{2}^$.",
         .matches = true},
        {.name = "QuotedLetterIsText",
         .glob = "\\d",
         .text = "d",
         .matches = true},
        {.name = "Utf8", .glob = "ü*", .text = "über", .matches = true},
        {.name = "Nul", .glob = "a\0b"sv, .text = "a\0b"sv, .matches = true},
        {.name = "Empty", .glob = "", .text = "", .matches = true},
        {.name = "CaseMatters", .glob = "A", .text = "a"},
    })),
    [](const auto& test) { return std::string(test.param.name); });

TEST(GlobToRegex, TakesManyOpenClassesInLinearTime) {
  const std::string glob(size_t{1} << 20, '[');
  EXPECT_EQ(GlobToRegex(glob).size(), 2 * glob.size() + 6);
}

}  // namespace
}  // namespace gate::rules
