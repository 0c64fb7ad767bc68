#include "rules/pattern_set.h"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/allocations.h"
#include "tests/rules/generated.h"

namespace gate::rules {
namespace {

struct Pattern {
  std::string_view text;
  std::string_view flags = {};
};

// All patterns added and compiled; the test fails when one has a fault.
class Compiled {
 public:
  Compiled(std::initializer_list<Pattern> patterns) {
    for (const Pattern& pattern : patterns) {
      uint32_t index = 0;
      const auto fault = set_.Add(pattern.text, pattern.flags, index);
      EXPECT_FALSE(fault.has_value()) << pattern.text;
      indices_.push_back(index);
    }
    EXPECT_EQ(set_.Compile(), "");
  }
  std::vector<uint8_t> Scan(std::string_view text) const {
    std::vector<uint8_t> hits(set_.size(), 7);
    set_.Scan(text, hits);
    return hits;
  }
  const PatternSet& set() const { return set_; }
  const std::vector<uint32_t>& indices() const { return indices_; }

 private:
  PatternSet set_;
  std::vector<uint32_t> indices_;
};

using Hits = std::vector<uint8_t>;

TEST(PatternSet, TellsWhichPatternsMatch) {
  const Compiled patterns{{"foo"}, {"^bar"}, {"o+$"}};
  EXPECT_EQ(patterns.Scan("a foo"), (Hits{1, 0, 1}));
  EXPECT_EQ(patterns.Scan("bar foo!"), (Hits{1, 1, 0}));
  EXPECT_EQ(patterns.Scan("nothing"), (Hits{0, 0, 0}));
  EXPECT_TRUE(patterns.set().MatchesAny("zoo"));
  EXPECT_FALSE(patterns.set().MatchesAny("zo!"));
}

TEST(PatternSet, GivesEqualPatternsOneIndex) {
  const Compiled patterns{{"a", "is"}, {"a"}, {"a", "si"}, {"a"}, {"a", "ii"}};
  EXPECT_EQ(patterns.indices(), (std::vector<uint32_t>{0, 1, 0, 1, 2}));
}

TEST(PatternSet, MatchesNothingWhenEmpty) {
  const Compiled patterns{};
  EXPECT_EQ(patterns.set().size(), 0u);
  EXPECT_FALSE(patterns.set().MatchesAny(""));
  EXPECT_EQ(patterns.Scan("a"), Hits{});
}

struct FlagCase {
  std::string_view name;
  Pattern pattern;
  std::string_view text;
  bool matches = false;
};

class PatternFlags : public testing::TestWithParam<FlagCase> {};

TEST_P(PatternFlags, ChangeWhatMatches) {
  const FlagCase& test = GetParam();
  const Compiled patterns{test.pattern};
  EXPECT_EQ(patterns.set().Matches(0, test.text), test.matches);
  EXPECT_EQ(patterns.set().MatchesAny(test.text), test.matches);
}

INSTANTIATE_TEST_SUITE_P(
    All, PatternFlags,
    testing::ValuesIn(std::to_array<FlagCase>({
        {.name = "CaseMatters", .pattern = {"Ab"}, .text = "ab"},
        {.name = "IgnoreCase",
         .pattern = {"Ab", "i"},
         .text = "aB",
         .matches = true},
        {.name = "IgnoreCaseUnicode",
         .pattern = {"Ü", "i"},
         .text = "ü",
         .matches = true},
        {.name = "DotIsNoNewline", .pattern = {"a.b"}, .text = "a\nb"},
        {.name = "DotIsNewline",
         .pattern = {"a.b", "s"},
         .text = "a\nb",
         .matches = true},
        {.name = "DotIsOneCharacter",
         .pattern = {"^a.b$"},
         .text = "aüb",
         .matches = true},
        {.name = "CaretIsTheBegin", .pattern = {"^b"}, .text = "a\nb"},
        {.name = "CaretIsALine",
         .pattern = {"^b$", "m"},
         .text = "a\nb\nc",
         .matches = true},
        {.name = "DollarIsTheEnd", .pattern = {"a$"}, .text = "a\n"},
        {.name = "FlagsReachAlternatives",
         .pattern = {"x|B", "i"},
         .text = "b",
         .matches = true},
        {.name = "FlagsWithinThePattern",
         .pattern = {"(?i)B"},
         .text = "b",
         .matches = true},
        {.name = "EmptyPattern", .pattern = {""}, .text = "", .matches = true},
    })),
    [](const auto& test) { return std::string(test.param.name); });

struct FaultCase {
  std::string_view name;
  Pattern pattern;
  std::string_view text;
  size_t offset = 0;
  size_t length = 0;
};

class PatternFault : public testing::TestWithParam<FaultCase> {};

TEST_P(PatternFault, SaysWhatAndWhere) {
  const FaultCase& expected = GetParam();
  const auto fault =
      PatternSet::Check(expected.pattern.text, expected.pattern.flags);
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(fault->text, expected.text);
  EXPECT_EQ(fault->offset, expected.offset);
  EXPECT_EQ(fault->length, expected.length);
}

INSTANTIATE_TEST_SUITE_P(
    All, PatternFault,
    testing::ValuesIn(std::to_array<FaultCase>({
        {.name = "OpenGroup",
         .pattern = {"a(b"},
         .text = "missing )",
         .length = 3},
        {.name = "OpenGroupWithFlags",
         .pattern = {"a(b", "im"},
         .text = "missing )",
         .length = 3},
        {.name = "Range",
         .pattern = {"a[z-a]"},
         .text = "invalid character class range",
         .offset = 2,
         .length = 3},
        {.name = "RangeWithFlags",
         .pattern = {"a[z-a]", "s"},
         .text = "invalid character class range",
         .offset = 2,
         .length = 3},
        {.name = "Repetition",
         .pattern = {"*a"},
         .text = "no argument for repetition operator",
         .length = 1},
        {.name = "LargeRepetition",
         .pattern = {"a{2000}"},
         .text = "invalid repetition size",
         .offset = 1,
         .length = 6},
        {.name = "Lookahead",
         .pattern = {"a(?=b)"},
         .text = "invalid perl operator",
         .offset = 1,
         .length = 3},
        {.name = "BackReference",
         .pattern = {"(a)\\1"},
         .text = "invalid escape sequence",
         .offset = 3,
         .length = 2},
        {.name = "Flag", .pattern = {"a", "ix"}, .text = "unknown flag `x`"},
        {.name = "InvalidUtf8", .pattern = {"\xff"}, .text = "invalid UTF-8"},
    })),
    [](const auto& test) { return std::string(test.param.name); });

TEST(PatternSet, RefusesAPatternThatTakesTooMuchMemory) {
  const auto fault = PatternSet::Check("((((x{100}){100}){100}){100})", "");
  EXPECT_TRUE(fault.has_value());
}

TEST(PatternSet, DoesNotAllocateAfterWarmUp) {
  const Compiled patterns{{"fo+"}, {"^bar$", "i"}, {"[a-f]{3}x"}};
  Hits hits(patterns.set().size());
  const std::string text = "a text with foo and abcx in it";
  patterns.set().Scan(text, hits);
  patterns.set().Scan("quiet", hits);
  const size_t before = ThreadAllocations();
  patterns.set().Scan(text, hits);
  patterns.set().Scan("quiet", hits);
  EXPECT_EQ(ThreadAllocations(), before);
}

TEST(PatternSet, FindsTheFirstOfManyWithoutAllocating) {
  PatternSet set;
  for (int i = 0; i < 200; ++i) {
    uint32_t index = 0;
    ASSERT_FALSE(set.Add("^h" + std::to_string(i) + "[.]", "", index));
  }
  uint32_t index = 0;
  ASSERT_FALSE(set.Add("[.]example$", "", index));
  ASSERT_EQ(set.Compile(), "");
  size_t before = 0;
  for (int round = 0; round < 2; ++round) {
    before = ThreadAllocations();
    ASSERT_EQ(set.FirstMatch("h0.example"), 0u);
    ASSERT_EQ(set.FirstMatch("h64.example"), 64u);
    ASSERT_EQ(set.FirstMatch("h199.example"), 199u);
    ASSERT_EQ(set.FirstMatch("h200.example"), 200u);
    ASSERT_EQ(set.FirstMatch("h200.test"), std::nullopt);
  }
  EXPECT_EQ(ThreadAllocations(), before);
}

TEST(PatternSet, ScanEqualsEachPatternByItself) {
  const uint32_t seed = TestSeed();
  SCOPED_TRACE(seed);
  Random random(seed);
  constexpr std::array<std::string_view, 8> kPieces = {
      "a", "b", "[ab]", "a+", ".*", "(a|bb)", "^", "$"};
  PatternSet set;
  for (int i = 0; i < 200; ++i) {
    std::string pattern;
    for (uint32_t k = 0; k <= random.Below(5); ++k) {
      pattern += kPieces[random.Below(kPieces.size())];
    }
    uint32_t index = 0;
    ASSERT_FALSE(set.Add(pattern, "", index).has_value()) << pattern;
  }
  ASSERT_EQ(set.Compile(), "");
  Hits hits(set.size());
  for (int i = 0; i < 200; ++i) {
    std::string text(random.Below(8), ' ');
    for (char& c : text) c = static_cast<char>('a' + random.Below(3));
    set.Scan(text, hits);
    bool any = false;
    std::optional<uint32_t> first;
    for (uint32_t k = 0; k < set.size(); ++k) {
      ASSERT_EQ(hits[k] != 0, set.Matches(k, text)) << text << " " << k;
      any = any || hits[k] != 0;
      if (hits[k] != 0 && !first) first = k;
    }
    ASSERT_EQ(set.MatchesAny(text), any);
    ASSERT_EQ(set.FirstMatch(text), first) << text;
  }
}

}  // namespace
}  // namespace gate::rules
