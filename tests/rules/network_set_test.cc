#include "rules/network_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/rules/generated.h"

namespace gate::rules {
namespace {

using Prefixes = std::vector<IpPrefix>;

IpAddress Address(std::string_view text) { return *IpAddress::Parse(text); }
IpPrefix Prefix(std::string_view text) { return *IpPrefix::Parse(text); }

TEST(NetworkSet, HoldsTheAddressesOfItsPrefixes) {
  const NetworkSet set(
      Prefixes{Prefix("192.0.2.0/24"), Prefix("2001:db8::/32")});
  EXPECT_TRUE(set.Contains(Address("192.0.2.0")));
  EXPECT_TRUE(set.Contains(Address("192.0.2.255")));
  EXPECT_FALSE(set.Contains(Address("192.0.1.255")));
  EXPECT_FALSE(set.Contains(Address("192.0.3.0")));
  EXPECT_TRUE(set.Contains(Address("2001:db8::1")));
  EXPECT_FALSE(set.Contains(Address("2001:db9::")));
  EXPECT_EQ(set.size(), 2u);
}

TEST(NetworkSet, HoldsNothingWhenEmpty) {
  EXPECT_FALSE(NetworkSet().Contains(Address("::")));
  EXPECT_FALSE(NetworkSet(Prefixes{}).Contains(Address("0.0.0.0")));
  EXPECT_EQ(NetworkSet().size(), 0u);
}

TEST(NetworkSet, FamiliesNeverMeet) {
  const NetworkSet v4(Prefixes{Prefix("0.0.0.0/0")});
  EXPECT_TRUE(v4.Contains(Address("255.255.255.255")));
  EXPECT_FALSE(v4.Contains(Address("::1")));
  const NetworkSet v6(Prefixes{Prefix("::/0")});
  EXPECT_TRUE(v6.Contains(Address("ffff::")));
  EXPECT_FALSE(v6.Contains(Address("192.0.2.1")));
}

TEST(NetworkSet, FindsAnAddressBehindANestedPrefix) {
  const NetworkSet set(Prefixes{Prefix("10.1.0.0/16"), Prefix("10.0.0.0/8"),
                                Prefix("10.1.2.3"), Prefix("10.1.0.0/16")});
  EXPECT_TRUE(set.Contains(Address("10.1.2.4")));
  EXPECT_TRUE(set.Contains(Address("10.2.0.0")));
  EXPECT_FALSE(set.Contains(Address("11.0.0.0")));
}

TEST(NetworkSet, HoldsANetworkOnlyIfOnePrefixDoes) {
  const NetworkSet set(Prefixes{Prefix("10.0.0.0/9"), Prefix("10.128.0.0/9"),
                                Prefix("2001:db8::/64")});
  EXPECT_TRUE(set.Contains(Prefix("10.0.0.0/9")));
  EXPECT_TRUE(set.Contains(Prefix("10.1.0.0/16")));
  EXPECT_FALSE(set.Contains(Prefix("10.0.0.0/8")));
  EXPECT_TRUE(set.Contains(Prefix("2001:db8::/65")));
  EXPECT_FALSE(set.Contains(Prefix("2001:db8::/63")));
}

TEST(NetworkSet, KeepsItsPrefixesWhenMoved) {
  NetworkSet from(Prefixes{Prefix("10.0.0.0/8")});
  NetworkSet to;
  to = std::move(from);
  EXPECT_TRUE(to.Contains(Address("10.0.0.1")));
}

// Clustered, so that prefixes nest and queries hit.
IpAddress RandomAddress(Random& random) {
  std::array<uint8_t, 16> bytes{};
  if (random.Below(2) == 0) {
    return IpAddress::FromV4(random.Below(64) << 26 | random.Below(4) << 16 |
                             random.Below(1024));
  }
  bytes[0] = static_cast<uint8_t>(random.Below(256));
  bytes[1] = static_cast<uint8_t>(random.Below(8));
  bytes[7] = static_cast<uint8_t>(random.Below(4));
  bytes[15] = static_cast<uint8_t>(random.Below(256));
  return IpAddress::FromBytes(bytes);
}

IpPrefix RandomPrefix(Random& random, uint32_t shortest) {
  const IpAddress address = RandomAddress(random);
  const uint32_t bits = address.is_v4() ? 32 : 128;
  const uint32_t length = shortest + random.Below(bits - shortest + 1);
  return IpPrefix(address, static_cast<uint8_t>(length));
}

void ExpectEqualsALoop(size_t prefix_count, size_t query_count,
                       uint32_t shortest) {
  const uint32_t seed = TestSeed();
  SCOPED_TRACE(seed);
  Random random(seed);
  Prefixes prefixes;
  for (size_t i = 0; i < prefix_count; ++i) {
    prefixes.push_back(RandomPrefix(random, shortest));
  }
  const NetworkSet set(prefixes);
  size_t hits = 0;
  for (size_t i = 0; i < query_count; ++i) {
    const IpPrefix query = RandomPrefix(random, shortest);
    const bool holds = std::any_of(
        prefixes.begin(), prefixes.end(),
        [&](const IpPrefix& prefix) { return prefix.Contains(query); });
    ASSERT_EQ(set.Contains(query), holds) << query.ToString();
    const IpAddress address = RandomAddress(random);
    const bool expected = std::any_of(
        prefixes.begin(), prefixes.end(),
        [&](const IpPrefix& prefix) { return prefix.Contains(address); });
    ASSERT_EQ(set.Contains(address), expected) << address.ToString();
    hits += expected;
  }
  EXPECT_GT(hits, 0u);
  EXPECT_LT(hits, query_count);
}

TEST(NetworkSet, EqualsALoopOverFewPrefixes) {
  ExpectEqualsALoop(200, 10'000, 4);
}
// Enough for the index over the top 16 bits.
TEST(NetworkSet, EqualsALoopOverTenThousandPrefixes) {
  ExpectEqualsALoop(10'000, 300, 20);
}

}  // namespace
}  // namespace gate::rules
