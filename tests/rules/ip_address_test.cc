#include "rules/ip_address.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace gate::rules {
namespace {

struct AddressCase {
  std::string_view name;
  std::string_view text;
  std::optional<std::string_view> normal = {};  // none: no address
};

class AddressText : public testing::TestWithParam<AddressCase> {};

TEST_P(AddressText, ParsesToItsOneSpellingOrNotAtAll) {
  const auto address = IpAddress::Parse(GetParam().text);
  ASSERT_EQ(address.has_value(), GetParam().normal.has_value());
  if (!address) return;
  EXPECT_EQ(address->ToString(), *GetParam().normal);
  EXPECT_EQ(IpAddress::Parse(address->ToString()), address);
}

using namespace std::string_view_literals;

INSTANTIATE_TEST_SUITE_P(
    All, AddressText,
    testing::ValuesIn(std::to_array<AddressCase>({
        {.name = "V4", .text = "192.0.2.1", .normal = "192.0.2.1"},
        {.name = "V4Zero", .text = "0.0.0.0", .normal = "0.0.0.0"},
        {.name = "V4All",
         .text = "255.255.255.255",
         .normal = "255.255.255.255"},
        {.name = "V4TooLarge", .text = "192.0.2.256"},
        {.name = "V4LeadingZero", .text = "192.0.2.01"},
        {.name = "V4Short", .text = "192.0.2"},
        {.name = "V4Long", .text = "192.0.2.1.1"},
        {.name = "V4Number", .text = "3221225985"},
        {.name = "V4Blank", .text = " 192.0.2.1"},
        {.name = "V4Nul", .text = "192.0.2.1\0"sv},
        {.name = "Unspecified", .text = "::", .normal = "::"},
        {.name = "Loopback", .text = "::1", .normal = "::1"},
        {.name = "TrailingZeros", .text = "1::", .normal = "1::"},
        {.name = "Full",
         .text = "2001:db8:1:2:3:4:5:6",
         .normal = "2001:db8:1:2:3:4:5:6"},
        {.name = "LowerCase",
         .text = "2001:DB8::ABCD",
         .normal = "2001:db8::abcd"},
        {.name = "LeadingZerosInGroup",
         .text = "2001:0db8::0001",
         .normal = "2001:db8::1"},
        {.name = "LongestRunIsShortened",
         .text = "1:0:0:2:0:0:0:3",
         .normal = "1:0:0:2::3"},
        {.name = "FirstOfEqualRuns",
         .text = "2001:db8:0:0:1:0:0:1",
         .normal = "2001:db8::1:0:0:1"},
        {.name = "OneZeroStays",
         .text = "2001:db8:0:1:1:1:1:1",
         .normal = "2001:db8:0:1:1:1:1:1"},
        {.name = "OneZeroWritten",
         .text = "1:2:3::5:6:7:8",
         .normal = "1:2:3:0:5:6:7:8"},
        {.name = "Mapped", .text = "::ffff:192.0.2.1", .normal = "192.0.2.1"},
        {.name = "MappedHex", .text = "::ffff:c000:201", .normal = "192.0.2.1"},
        {.name = "CompatibleIsV6",
         .text = "::192.0.2.1",
         .normal = "::c000:201"},
        {.name = "ZoneId", .text = "fe80::1%eth0"},
        {.name = "Brackets", .text = "[::1]"},
        {.name = "TwoGaps", .text = "1::2::3"},
        {.name = "GroupTooLong", .text = "12345::"},
        {.name = "NineGroups", .text = "1:2:3:4:5:6:7:8:9"},
        {.name = "Empty", .text = ""},
        {.name = "Name", .text = "example.org"},
        {.name = "Network", .text = "192.0.2.0/24"},
    })),
    [](const auto& test) { return std::string(test.param.name); });

struct PrefixCase {
  std::string_view name;
  std::string_view text;
  std::optional<std::string_view> normal = {};
  bool host_bits = false;
};

class PrefixText : public testing::TestWithParam<PrefixCase> {};

TEST_P(PrefixText, ParsesToItsOneSpellingOrNotAtAll) {
  bool host_bits = false;
  const auto prefix = IpPrefix::Parse(GetParam().text, &host_bits);
  ASSERT_EQ(prefix.has_value(), GetParam().normal.has_value());
  if (!prefix) return;
  EXPECT_EQ(prefix->ToString(), *GetParam().normal);
  EXPECT_EQ(host_bits, GetParam().host_bits);
  EXPECT_EQ(IpPrefix::Parse(prefix->ToString()), prefix);
}

INSTANTIATE_TEST_SUITE_P(
    All, PrefixText,
    testing::ValuesIn(std::to_array<PrefixCase>({
        {.name = "V4", .text = "192.0.2.0/24", .normal = "192.0.2.0/24"},
        {.name = "V4Whole", .text = "192.0.2.1", .normal = "192.0.2.1"},
        {.name = "V4Length32", .text = "192.0.2.1/32", .normal = "192.0.2.1"},
        {.name = "V4HostBits",
         .text = "192.0.2.1/24",
         .normal = "192.0.2.0/24",
         .host_bits = true},
        {.name = "V4OddLength",
         .text = "192.0.2.128/25",
         .normal = "192.0.2.128/25"},
        {.name = "V4All", .text = "0.0.0.0/0", .normal = "0.0.0.0/0"},
        {.name = "V4TooLong", .text = "192.0.2.0/33"},
        {.name = "V6", .text = "2001:db8::/32", .normal = "2001:db8::/32"},
        {.name = "V6Whole", .text = "::1", .normal = "::1"},
        {.name = "V6All", .text = "::/0", .normal = "::/0"},
        {.name = "V6HostBits",
         .text = "2001:db8::1/64",
         .normal = "2001:db8::/64",
         .host_bits = true},
        {.name = "V6TooLong", .text = "::/129"},
        {.name = "MappedAll", .text = "::ffff:0:0/96", .normal = "0.0.0.0/0"},
        {.name = "Mapped",
         .text = "::ffff:192.0.2.0/120",
         .normal = "192.0.2.0/24"},
        {.name = "MappedTooShort", .text = "::ffff:0:0/95"},
        {.name = "NoLength", .text = "192.0.2.0/"},
        {.name = "LeadingZero", .text = "192.0.2.0/024"},
        {.name = "Sign", .text = "192.0.2.0/+24"},
        {.name = "Negative", .text = "192.0.2.0/-1"},
        {.name = "Mask", .text = "192.0.2.0/255.255.255.0"},
        {.name = "Huge", .text = "192.0.2.0/4294967320"},
        {.name = "Empty", .text = ""},
        {.name = "OnlyLength", .text = "/24"},
    })),
    [](const auto& test) { return std::string(test.param.name); });

IpAddress Address(std::string_view text) { return *IpAddress::Parse(text); }
IpPrefix Prefix(std::string_view text) { return *IpPrefix::Parse(text); }

TEST(IpPrefix, HoldsItsAddressesOnly) {
  EXPECT_TRUE(Prefix("192.0.2.0/25").Contains(Address("192.0.2.127")));
  EXPECT_FALSE(Prefix("192.0.2.0/25").Contains(Address("192.0.2.128")));
  EXPECT_TRUE(Prefix("2001:db8::/33").Contains(Address("2001:db8:7fff::1")));
  EXPECT_FALSE(Prefix("2001:db8::/33").Contains(Address("2001:db8:8000::")));
}

TEST(IpPrefix, FamiliesNeverMeet) {
  EXPECT_TRUE(Prefix("0.0.0.0/0").Contains(Address("255.255.255.255")));
  EXPECT_FALSE(Prefix("0.0.0.0/0").Contains(Address("2001:db8::1")));
  EXPECT_TRUE(Prefix("::/0").Contains(Address("2001:db8::1")));
  EXPECT_FALSE(Prefix("::/0").Contains(Address("192.0.2.1")));
  EXPECT_FALSE(Prefix("::/0").Contains(Address("::ffff:192.0.2.1")));
}

TEST(IpPrefix, HoldsNetworksThatAreWhollyInside) {
  EXPECT_TRUE(Prefix("10.0.0.0/8").Contains(Prefix("10.1.0.0/16")));
  EXPECT_TRUE(Prefix("10.0.0.0/8").Contains(Prefix("10.0.0.0/8")));
  EXPECT_FALSE(Prefix("10.1.0.0/16").Contains(Prefix("10.0.0.0/8")));
  EXPECT_FALSE(Prefix("::/0").Contains(Prefix("10.0.0.0/8")));
}

TEST(ClientNetwork, IsTheV4AddressOrTheV6SlashSixtyFour) {
  EXPECT_EQ(ClientNetwork(Address("192.0.2.1")).ToString(), "192.0.2.1");
  EXPECT_EQ(ClientNetwork(Address("2001:db8:1:2:3:4:5:6")).ToString(),
            "2001:db8:1:2::/64");
}

}  // namespace
}  // namespace gate::rules
