#include "rules/domain_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/allocations.h"
#include "tests/rules/generated.h"

namespace gate::rules {
namespace {

using Entries = std::vector<std::string>;

TEST(DomainSet, HoldsANameAlone) {
  const DomainSet set(Entries{"example.org"});
  EXPECT_TRUE(set.Contains("example.org"));
  EXPECT_FALSE(set.Contains("mx.example.org"));
  EXPECT_FALSE(set.Contains("badexample.org"));
  EXPECT_FALSE(set.Contains("org"));
  EXPECT_FALSE(set.Contains(""));
}

TEST(DomainSet, HoldsANameAndEverythingBelowItWithALeadingDot) {
  const DomainSet set(Entries{".example.org"});
  EXPECT_TRUE(set.Contains("example.org"));
  EXPECT_TRUE(set.Contains("mx.example.org"));
  EXPECT_TRUE(set.Contains("a.b.c.example.org"));
  EXPECT_FALSE(set.Contains("badexample.org"));
  EXPECT_FALSE(set.Contains("example.org.net"));
  EXPECT_FALSE(set.Contains("org"));
}

TEST(DomainSet, CountsEntriesOnce) {
  EXPECT_EQ(DomainSet().size(), 0u);
  EXPECT_EQ(DomainSet(Entries{"a.org", "a.org", ".a.org"}).size(), 2u);
}

TEST(DomainSet, HoldsNothingWhenEmpty) {
  EXPECT_FALSE(DomainSet().Contains("example.org"));
  EXPECT_FALSE(DomainSet(Entries{}).Contains("example.org"));
}

TEST(DomainSet, KeepsItsEntriesWhenMoved) {
  DomainSet from(Entries{".example.org"});
  const DomainSet to = std::move(from);
  EXPECT_TRUE(to.Contains("mx.example.org"));
}

TEST(DomainSet, DoesNotAllocateWhenAsked) {
  const DomainSet set(Entries{".example.org", "example.net"});
  const size_t before = ThreadAllocations();
  EXPECT_TRUE(set.Contains("a.name.that.is.not.short.example.org"));
  EXPECT_FALSE(set.Contains("a.name.that.is.not.short.example.net"));
  EXPECT_EQ(ThreadAllocations(), before);
}

std::string RandomName(Random& random) {
  std::string name;
  const uint32_t labels = 1 + random.Below(4);
  for (uint32_t i = 0; i < labels; ++i) {
    if (i > 0) name += '.';
    const uint32_t length = 1 + random.Below(2);
    for (uint32_t k = 0; k < length; ++k) {
      name += static_cast<char>('a' + random.Below(5));
    }
  }
  return name;
}

bool NaiveContains(const Entries& entries, std::string_view name) {
  return std::any_of(entries.begin(), entries.end(),
                     [&](const std::string& entry) {
                       if (!entry.starts_with('.')) return name == entry;
                       return name.ends_with(entry) || name == entry.substr(1);
                     });
}

TEST(DomainSet, EqualsALoopOverTheEntries) {
  const uint32_t seed = TestSeed();
  SCOPED_TRACE(seed);
  Random random(seed);
  Entries entries;
  for (int i = 0; i < 500; ++i) {
    entries.push_back((random.Below(2) == 0 ? "." : "") + RandomName(random));
  }
  const DomainSet set(entries);
  size_t hits = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::string name = RandomName(random);
    const bool expected = NaiveContains(entries, name);
    ASSERT_EQ(set.Contains(name), expected) << name;
    hits += expected;
  }
  EXPECT_GT(hits, 0u);
}

TEST(DomainSet, FindsEachOfTenThousandEntries) {
  const uint32_t seed = TestSeed();
  SCOPED_TRACE(seed);
  Random random(seed);
  Entries entries;
  for (int i = 0; i < 10'000; ++i) {
    entries.push_back(RandomName(random) + std::to_string(i) + ".example");
  }
  const DomainSet set(entries);
  EXPECT_EQ(set.size(), entries.size());
  for (const std::string& entry : entries) {
    ASSERT_TRUE(set.Contains(entry)) << entry;
    ASSERT_FALSE(set.Contains(entry + "x")) << entry;
    ASSERT_FALSE(set.Contains("x" + entry)) << entry;
  }
}

}  // namespace
}  // namespace gate::rules
