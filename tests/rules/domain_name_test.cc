#include "rules/domain_name.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include "tests/allocations.h"

namespace gate::rules {
namespace {

struct NormalCase {
  std::string_view name;
  std::string_view text;
  std::string_view normal;
};

class NormalDomain : public testing::TestWithParam<NormalCase> {};

TEST_P(NormalDomain, HasOneSpelling) {
  const std::string normal = NormalizeDomain(GetParam().text);
  EXPECT_EQ(normal, GetParam().normal);
  EXPECT_EQ(NormalizeDomain(normal), normal);
}

INSTANTIATE_TEST_SUITE_P(
    All, NormalDomain,
    testing::ValuesIn(std::to_array<NormalCase>({
        {.name = "Folds", .text = "MX.Example.ORG", .normal = "mx.example.org"},
        {.name = "DropsFinalDot",
         .text = "example.org.",
         .normal = "example.org"},
        {.name = "KeepsTwoFinalDots",
         .text = "example.org..",
         .normal = "example.org.."},
        {.name = "KeepsRoot", .text = ".", .normal = "."},
        {.name = "KeepsLeadingDot",
         .text = ".Example.org",
         .normal = ".example.org"},
        {.name = "Empty", .text = "", .normal = ""},
        {.name = "Idn",
         .text = "MÜNCHEN.example",
         .normal = "xn--mnchen-3ya.example"},
        {.name = "IdnWithLeadingDot",
         .text = ".münchen.example",
         .normal = ".xn--mnchen-3ya.example"},
        {.name = "IdnWithFinalDot",
         .text = "münchen.example.",
         .normal = "xn--mnchen-3ya.example"},
        {.name = "IdnDecomposed",
         .text = "mu\u0308nchen.example",
         .normal = "xn--mnchen-3ya.example"},
        {.name = "ALabelFolds",
         .text = "XN--MNCHEN-3YA.example",
         .normal = "xn--mnchen-3ya.example"},
        {.name = "SharpSStays",
         .text = "straße.example",
         .normal = "xn--strae-oqa.example"},
        {.name = "WideLetters",
         .text = "ｅxample。ORG",
         .normal = "example.org"},
        {.name = "IdnThatMapsToAtSign",
         .text = "a＠b.example",
         .normal = "a＠b.example"},
        {.name = "IdnThatFails", .text = "Ü x.ORG", .normal = "Ü x.org"},
        {.name = "Literal",
         .text = "[IPv6:2001:DB8::1]",
         .normal = "[ipv6:2001:db8::1]"},
        {.name = "OddHelo", .text = "My PC!", .normal = "my pc!"},
    })),
    [](const auto& test) { return std::string(test.param.name); });

TEST(NormalizeDomain, DoesNotAllocateForAsciiAfterWarmUp) {
  std::string out;
  NormalizeDomain("a.rather.long.name.below.example.org", out);
  const size_t before = ThreadAllocations();
  NormalizeDomain("Another.Rather.Long.Name.Example.ORG", out);
  EXPECT_EQ(ThreadAllocations(), before);
}

TEST(NormalizeDomain, TakesAMegabyteOfAnything) {
  const std::string dots(size_t{1} << 20, '.');
  EXPECT_EQ(NormalizeDomain(dots), dots);
  std::string umlauts;
  while (umlauts.size() < size_t{1} << 20) umlauts += "ü";
  EXPECT_EQ(NormalizeDomain(umlauts), umlauts);
}

struct DomainCase {
  std::string_view name;
  std::string_view text;
  bool is_domain = false;
};

class DomainGrammar : public testing::TestWithParam<DomainCase> {};

TEST_P(DomainGrammar, DecidesWhatAListTakes) {
  EXPECT_EQ(IsDomain(GetParam().text), GetParam().is_domain);
}

constexpr std::string_view kLabel63 =
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static_assert(kLabel63.size() == 63);

INSTANTIATE_TEST_SUITE_P(
    All, DomainGrammar,
    testing::ValuesIn(std::to_array<DomainCase>({
        {.name = "Name", .text = "example.org", .is_domain = true},
        {.name = "OneLabel", .text = "localhost", .is_domain = true},
        {.name = "FinalDot", .text = "example.org.", .is_domain = true},
        {.name = "Idn", .text = "münchen.example", .is_domain = true},
        {.name = "Digits", .text = "4.example", .is_domain = true},
        {.name = "InnerHyphen", .text = "a-b.example", .is_domain = true},
        {.name = "LongLabel", .text = kLabel63, .is_domain = true},
        {.name = "Empty", .text = ""},
        {.name = "Root", .text = "."},
        {.name = "LeadingDot", .text = ".example.org"},
        {.name = "EmptyLabel", .text = "example..org"},
        {.name = "TwoFinalDots", .text = "example.org.."},
        {.name = "LeadingHyphen", .text = "-a.example"},
        {.name = "TrailingHyphen", .text = "a-.example"},
        {.name = "Underscore", .text = "a_b.example"},
        {.name = "Address", .text = "192.0.2.1"},
        {.name = "Literal", .text = "[192.0.2.1]"},
        {.name = "Blank", .text = "a b.example"},
        {.name = "AtSign", .text = "a@example.org"},
        {.name = "Invalid", .text = "\xff.example"},
    })),
    [](const auto& test) { return std::string(test.param.name); });

TEST(IsDomain, LimitsLabelsAndNames) {
  const std::string label(kLabel63);
  EXPECT_FALSE(IsDomain(label + "a"));
  const std::string three = label + "." + label + "." + label + ".";
  EXPECT_TRUE(IsDomain(three + std::string(61, 'a')));
  EXPECT_FALSE(IsDomain(three + std::string(62, 'a')));
}

struct Utf8Case {
  std::string_view name;
  std::string_view text;
  std::string_view valid;
};

class ValidUtf8 : public testing::TestWithParam<Utf8Case> {};

TEST_P(ValidUtf8, ReplacesMaximalSubparts) {
  std::string out = "old";
  MakeValidUtf8(GetParam().text, out);
  EXPECT_EQ(out, GetParam().valid);
}

#define BAD "\xef\xbf\xbd"
using namespace std::string_view_literals;

// Unicode 15, tables 3-8 to 3-11.
INSTANTIATE_TEST_SUITE_P(
    All, ValidUtf8,
    testing::ValuesIn(std::to_array<Utf8Case>({
        {.name = "Ascii", .text = "abc", .valid = "abc"},
        {.name = "Empty", .text = "", .valid = ""},
        {.name = "Nul", .text = "a\0b"sv, .valid = "a" BAD "b"},
        {.name = "TwoBytes", .text = "ü", .valid = "ü"},
        {.name = "ThreeBytes", .text = "€", .valid = "€"},
        {.name = "FourBytes", .text = "😀", .valid = "😀"},
        {.name = "LastCodePoint",
         .text = "\xf4\x8f\xbf\xbf",
         .valid = "\xf4\x8f\xbf\xbf"},
        {.name = "LoneByte",
         .text = "a\xff"
                 "b",
         .valid = "a" BAD "b"},
        {.name = "LoneContinuation", .text = "\x80\x80", .valid = BAD BAD},
        {.name = "NonShortest",
         .text = "\xc0\xaf\xe0\x80\xbf\xf0\x81\x82"
                 "A",
         .valid = BAD BAD BAD BAD BAD BAD BAD BAD "A"},
        {.name = "Surrogates",
         .text = "\xed\xa0\x80\xed\xbf\xbf"
                 "A",
         .valid = BAD BAD BAD BAD BAD BAD "A"},
        {.name = "TooLarge",
         .text = "\xf4\x91\x92\x93\xff"
                 "A\x80\xbf"
                 "B",
         .valid = BAD BAD BAD BAD BAD "A" BAD BAD "B"},
        {.name = "Truncated",
         .text = "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf"
                 "A",
         .valid = BAD BAD BAD BAD "A"},
        {.name = "CutAtTheEnd", .text = "a\xf0\x9f\x98", .valid = "a" BAD},
        {.name = "AsciiEndsASequence",
         .text = "\xe2\x82"
                 "a",
         .valid = BAD "a"},
    })),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace gate::rules
