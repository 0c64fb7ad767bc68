#include "rules/mail_address.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>
#include <string_view>

#include "tests/allocations.h"

namespace gate::rules {
namespace {

struct AddressCase {
  std::string_view name;
  std::string_view path;
  std::string_view local;
  std::string_view domain;
  bool valid = true;
  bool routed = false;
  bool source_route = false;
};

class MailAddressText : public testing::TestWithParam<AddressCase> {};

TEST_P(MailAddressText, IsSplitAndNormalised) {
  const AddressCase& expected = GetParam();
  MailAddress address;
  ParseMailAddress(expected.path, address);
  EXPECT_EQ(address.local, expected.local);
  EXPECT_EQ(address.domain, expected.domain);
  EXPECT_EQ(address.valid, expected.valid);
  EXPECT_EQ(address.routed, expected.routed);
  EXPECT_EQ(address.source_route, expected.source_route);
  if (!expected.domain.empty()) {
    EXPECT_EQ(address.text, address.local + "@" + address.domain);
  }
}

TEST_P(MailAddressText, IsItsOwnNormalForm) {
  MailAddress address;
  ParseMailAddress(GetParam().path, address);
  MailAddress again;
  ParseMailAddress(address.text, again);
  EXPECT_EQ(again.text, address.text);
  EXPECT_EQ(again.local, address.local);
  EXPECT_EQ(again.domain, address.domain);
}

INSTANTIATE_TEST_SUITE_P(
    Valid, MailAddressText,
    testing::ValuesIn(std::to_array<AddressCase>({
        {.name = "Plain",
         .path = "<a@example.org>",
         .local = "a",
         .domain = "example.org"},
        {.name = "NoBrackets",
         .path = "a@example.org",
         .local = "a",
         .domain = "example.org"},
        {.name = "Folds",
         .path = "<Alice@Example.ORG>",
         .local = "alice",
         .domain = "example.org"},
        {.name = "FinalDot",
         .path = "<a@example.org.>",
         .local = "a",
         .domain = "example.org"},
        {.name = "Dots",
         .path = "<a.b.c@example.org>",
         .local = "a.b.c",
         .domain = "example.org"},
        {.name = "Plus",
         .path = "<a+tag@example.org>",
         .local = "a+tag",
         .domain = "example.org"},
        {.name = "AllAtext",
         .path = "<!#$&'*+-/=?^_`{|}~@x.org>",
         .local = "!#$&'*+-/=?^_`{|}~",
         .domain = "x.org",
         .routed = true},
        {.name = "Null", .path = "<>", .local = "", .domain = ""},
        {.name = "NullWithoutBrackets", .path = "", .local = "", .domain = ""},
        {.name = "Postmaster",
         .path = "<postmaster>",
         .local = "postmaster",
         .domain = ""},
        {.name = "PostmasterFolds",
         .path = "<PostMaster>",
         .local = "postmaster",
         .domain = ""},
        {.name = "QuotedBlank",
         .path = "<\"a b\"@x.org>",
         .local = "\"a b\"",
         .domain = "x.org"},
        {.name = "QuotedNeedlessly",
         .path = "<\"Ab\"@x.org>",
         .local = "ab",
         .domain = "x.org"},
        {.name = "QuotedPairOfALetter",
         .path = "<\"\\a\\b\"@x.org>",
         .local = "ab",
         .domain = "x.org"},
        {.name = "QuotedAt",
         .path = "<\"a@b\"@x.org>",
         .local = "\"a@b\"",
         .domain = "x.org"},
        {.name = "QuotedPairOfAt",
         .path = "<\"a\\@b\"@x.org>",
         .local = "\"a@b\"",
         .domain = "x.org"},
        {.name = "QuotedQuote",
         .path = "<\"a\\\"b\"@x.org>",
         .local = "\"a\\\"b\"",
         .domain = "x.org"},
        {.name = "QuotedBackslash",
         .path = "<\"a\\\\b\"@x.org>",
         .local = "\"a\\\\b\"",
         .domain = "x.org"},
        {.name = "QuotedPercent",
         .path = "<\"a%b\"@x.org>",
         .local = "a%b",
         .domain = "x.org"},
        {.name = "QuotedDots",
         .path = "<\"a..b\"@x.org>",
         .local = "\"a..b\"",
         .domain = "x.org"},
        {.name = "QuotedEmpty",
         .path = "<\"\"@x.org>",
         .local = "\"\"",
         .domain = "x.org"},
        {.name = "QuotedBracket",
         .path = "<\"a>b\"@x.org>",
         .local = "\"a>b\"",
         .domain = "x.org"},
        {.name = "QuotedColonAndComma",
         .path = "<\"@a,@b:c\"@x.org>",
         .local = "\"@a,@b:c\"",
         .domain = "x.org"},
        {.name = "SourceRoute",
         .path = "<@a.org:user@x.org>",
         .local = "user",
         .domain = "x.org",
         .source_route = true},
        {.name = "LongSourceRoute",
         .path = "<@a.org,@b.org:user@x.org>",
         .local = "user",
         .domain = "x.org",
         .source_route = true},
        {.name = "LiteralV4",
         .path = "<u@[192.0.2.1]>",
         .local = "u",
         .domain = "[192.0.2.1]"},
        {.name = "LiteralV6",
         .path = "<u@[IPv6:2001:DB8::1]>",
         .local = "u",
         .domain = "[ipv6:2001:db8::1]"},
        {.name = "LiteralMapped",
         .path = "<u@[IPv6:::ffff:192.0.2.1]>",
         .local = "u",
         .domain = "[ipv6:::ffff:192.0.2.1]"},
        {.name = "Utf8Local",
         .path = "<jürgen@x.org>",
         .local = "jürgen",
         .domain = "x.org"},
        {.name = "Utf8LocalFoldsAsciiOnly",
         .path = "<ÜBER@x.org>",
         .local = "Über",
         .domain = "x.org"},
        {.name = "Utf8Quoted",
         .path = "<\"ü ä\"@x.org>",
         .local = "\"ü ä\"",
         .domain = "x.org"},
        {.name = "Utf8Domain",
         .path = "<a@münchen.example>",
         .local = "a",
         .domain = "xn--mnchen-3ya.example"},
        {.name = "ALabelDomain",
         .path = "<a@XN--mnchen-3ya.example>",
         .local = "a",
         .domain = "xn--mnchen-3ya.example"},
        {.name = "OneLabelDomain",
         .path = "<a@localhost>",
         .local = "a",
         .domain = "localhost"},
        {.name = "Percent",
         .path = "<a%b.org@x.org>",
         .local = "a%b.org",
         .domain = "x.org",
         .routed = true},
        {.name = "Bang",
         .path = "<b.org!a@x.org>",
         .local = "b.org!a",
         .domain = "x.org",
         .routed = true},
    })),
    [](const auto& test) { return std::string(test.param.name); });

INSTANTIATE_TEST_SUITE_P(Invalid, MailAddressText,
                         testing::ValuesIn(std::to_array<AddressCase>({
                             {.name = "TwoAt",
                              .path = "<a@b.org@x.org>",
                              .local = "\"a@b.org\"",
                              .domain = "x.org",
                              .valid = false,
                              .routed = true},
                             {.name = "QuotedThenAt",
                              .path = "<\"a@b\"@c@x.org>",
                              .local = "\"a@b@c\"",
                              .domain = "x.org",
                              .valid = false,
                              .routed = true},
                             {.name = "NoDomain",
                              .path = "<alice>",
                              .local = "alice",
                              .domain = "",
                              .valid = false},
                             {.name = "NoDomainRouted",
                              .path = "<b.org!alice>",
                              .local = "b.org!alice",
                              .domain = "",
                              .valid = false,
                              .routed = true},
                             {.name = "EmptyDomain",
                              .path = "<a@>",
                              .local = "a",
                              .domain = "",
                              .valid = false},
                             {.name = "EmptyLocal",
                              .path = "<@x.org>",
                              .local = "",
                              .domain = "x.org",
                              .valid = false},
                             {.name = "OnlyAt",
                              .path = "<@>",
                              .local = "",
                              .domain = "",
                              .valid = false},
                             {.name = "LeadingDot",
                              .path = "<.a@x.org>",
                              .local = "\".a\"",
                              .domain = "x.org",
                              .valid = false},
                             {.name = "TrailingDot",
                              .path = "<a.@x.org>",
                              .local = "\"a.\"",
                              .domain = "x.org",
                              .valid = false},
                             {.name = "TwoDots",
                              .path = "<a..b@x.org>",
                              .local = "\"a..b\"",
                              .domain = "x.org",
                              .valid = false},
                             {.name = "Blank",
                              .path = "<a b@x.org>",
                              .local = "\"a b\"",
                              .domain = "x.org",
                              .valid = false},
                             {.name = "BackslashOutsideQuotes",
                              .path = "<a\\@b@x.org>",
                              .local = "\"a@b\"",
                              .domain = "x.org",
                              .valid = false},
                             {.name = "QuotesInside",
                              .path = "<a\"b\"c@x.org>",
                              .local = "abc",
                              .domain = "x.org",
                              .valid = false},
                             {.name = "TextBehindQuotes",
                              .path = "<\"a\"b@x.org>",
                              .local = "ab",
                              .domain = "x.org",
                              .valid = false},
                             {.name = "UnbalancedQuote",
                              .path = "<\"a@x.org>",
                              .local = "\"\\\"a\"",
                              .domain = "x.org",
                              .valid = false},
                             {.name = "UnbalancedQuoteBehind",
                              .path = "<a\"@x.org>",
                              .local = "\"a\\\"\"",
                              .domain = "x.org",
                              .valid = false},
                             {.name = "NoClosingBracket",
                              .path = "<a@x.org",
                              .local = "a",
                              .domain = "x.org",
                              .valid = false},
                             {.name = "NoOpeningBracket",
                              .path = "a@x.org>",
                              .local = "a",
                              .domain = "x.org",
                              .valid = false},
                             {.name = "BracketAloneIsNotNull",
                              .path = "<",
                              .local = "\"<\"",
                              .domain = "",
                              .valid = false},
                             {.name = "BadDomain",
                              .path = "<a@x_y.org>",
                              .local = "a",
                              .domain = "x_y.org",
                              .valid = false},
                             {.name = "DomainWithEmptyLabel",
                              .path = "<a@x..org>",
                              .local = "a",
                              .domain = "x..org",
                              .valid = false},
                             {.name = "BadLiteral",
                              .path = "<a@[192.0.2.256]>",
                              .local = "a",
                              .domain = "[192.0.2.256]",
                              .valid = false},
                             {.name = "LiteralWithoutTag",
                              .path = "<a@[2001:db8::1]>",
                              .local = "a",
                              .domain = "[2001:db8::1]",
                              .valid = false},
                             {.name = "LiteralOfAnotherTag",
                              .path = "<u@[x400:abc]>",
                              .local = "u",
                              .domain = "[x400:abc]",
                              .valid = false},
                             {.name = "LiteralV4BehindV6Tag",
                              .path = "<a@[IPv6:192.0.2.1]>",
                              .local = "a",
                              .domain = "[ipv6:192.0.2.1]",
                              .valid = false},
                             {.name = "LiteralNotClosed",
                              .path = "<a@[192.0.2.1>",
                              .local = "a",
                              .domain = "[192.0.2.1",
                              .valid = false},
                             {.name = "RouteWithoutAt",
                              .path = "<@a.org,b.org:u@x.org>",
                              .local = "u",
                              .domain = "x.org",
                              .valid = false,
                              .source_route = true},
                             {.name = "RouteThenPercent",
                              .path = "<@a.org:u%b.org@x.org>",
                              .local = "u%b.org",
                              .domain = "x.org",
                              .routed = true,
                              .source_route = true},
                             {.name = "RouteThenTwoAt",
                              .path = "<@a.org:u@b.org@x.org>",
                              .local = "\"u@b.org\"",
                              .domain = "x.org",
                              .valid = false,
                              .routed = true,
                              .source_route = true},
                             {.name = "ControlInQuotes",
                              .path = "<\"a\tb\"@x.org>",
                              .local = "\"a\tb\"",
                              .domain = "x.org",
                              .valid = false},
                             {.name = "LineEnd",
                              .path = "<a\r\n@x.org>",
                              .local = "\"a\r\n\"",
                              .domain = "x.org",
                              .valid = false},
                         })),
                         [](const auto& test) {
                           return std::string(test.param.name);
                         });

TEST(MailAddress, OnlyTheNullPathIsNull) {
  MailAddress address;
  for (const std::string_view path : {"<>", ""}) {
    ParseMailAddress(path, address);
    EXPECT_TRUE(address.is_null()) << path;
  }
  for (const std::string_view path :
       {"<", ">", "<<", "<@>", "@", "<\"\">", "\"", "\\", "< >"}) {
    ParseMailAddress(path, address);
    EXPECT_FALSE(address.is_null()) << path;
  }
}

TEST(MailAddress, TakesOneBracketAway) {
  MailAddress address;
  ParseMailAddress("<<a@x.org>>", address);
  EXPECT_EQ(address.text, "\"<a\"@x.org>");
  EXPECT_FALSE(address.valid);
}

TEST(MailAddress, ForgetsTheLastOne) {
  MailAddress address;
  ParseMailAddress("<@a.org:b%c@x.org>", address);
  ParseMailAddress("<>", address);
  EXPECT_TRUE(address.is_null());
  EXPECT_EQ(address.local, "");
  EXPECT_EQ(address.domain, "");
  EXPECT_FALSE(address.routed);
  EXPECT_FALSE(address.source_route);
  EXPECT_TRUE(address.valid);
}

TEST(MailAddress, DoesNotAllocateAfterWarmUp) {
  MailAddress address;
  ParseMailAddress("<a.very.long.local.part@a.rather.long.example.org>",
                   address);
  const size_t before = ThreadAllocations();
  ParseMailAddress("<Another.Long.Local.Part@Another.Long.Example.org>",
                   address);
  EXPECT_EQ(ThreadAllocations(), before);
}

// Quadratic time would take minutes.
TEST(MailAddress, TakesHostileInputInLinearTime) {
  constexpr size_t kSize = size_t{1} << 18;
  MailAddress address;
  for (const std::string_view piece :
       {"@", "\"", "\\", "<", "a@", "\"@", "\\\"", "@a:", "@a,", "%!@", "."}) {
    std::string path;
    while (path.size() < kSize) path += piece;
    ParseMailAddress(path, address);
    EXPECT_LE(address.text.size(), 2 * path.size() + 3) << piece;
    EXPECT_FALSE(address.valid) << piece;
  }
}

}  // namespace
}  // namespace gate::rules
