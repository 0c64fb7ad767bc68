#include "rules/string_set.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/rules/generated.h"

namespace gate::rules {
namespace {

using Entries = std::vector<std::string>;

TEST(StringSet, HoldsExactTexts) {
  const StringSet set(Entries{"PLAIN", "LOGIN"});
  EXPECT_TRUE(set.Contains("PLAIN"));
  EXPECT_FALSE(set.Contains("plain"));
  EXPECT_FALSE(set.Contains("PLAI"));
  EXPECT_FALSE(set.Contains("PLAINN"));
  EXPECT_FALSE(set.Contains(""));
}

TEST(StringSet, HoldsAnyBytesAndTheEmptyText) {
  const std::string nul("a\0b", 3);
  const StringSet set(Entries{nul, "line\nline", ""});
  EXPECT_TRUE(set.Contains(nul));
  EXPECT_FALSE(set.Contains("a"));
  EXPECT_TRUE(set.Contains("line\nline"));
  EXPECT_TRUE(set.Contains(""));
}

TEST(StringSet, CountsEntriesOnce) {
  EXPECT_EQ(StringSet().size(), 0u);
  EXPECT_FALSE(StringSet().Contains(""));
  EXPECT_EQ(StringSet(Entries{"a", "a", "b"}).size(), 2u);
}

TEST(StringSet, KeepsItsEntriesWhenMoved) {
  StringSet from(Entries{"a"});
  StringSet to;
  to = std::move(from);
  EXPECT_TRUE(to.Contains("a"));
}

TEST(StringSet, EqualsAStandardSet) {
  const uint32_t seed = TestSeed();
  SCOPED_TRACE(seed);
  Random random(seed);
  const auto random_text = [&] {
    std::string text(random.Below(4), ' ');
    for (char& c : text) c = static_cast<char>(random.Below(256));
    return text;
  };
  Entries entries;
  for (int i = 0; i < 10'000; ++i) entries.push_back(random_text());
  const std::set<std::string> expected(entries.begin(), entries.end());
  const StringSet set(entries);
  EXPECT_EQ(set.size(), expected.size());
  for (int i = 0; i < 10'000; ++i) {
    const std::string text = random_text();
    ASSERT_EQ(set.Contains(text), expected.contains(text));
  }
}

}  // namespace
}  // namespace gate::rules
