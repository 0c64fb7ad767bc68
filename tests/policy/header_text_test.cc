#include "policy/header_text.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include "tests/allocations.h"

namespace gate::policy {
namespace {

using namespace std::string_view_literals;

#define BAD "\xef\xbf\xbd"

struct HeaderCase {
  std::string_view name;
  std::string_view raw;
  std::string_view decoded;
};

class DecodedHeader : public testing::TestWithParam<HeaderCase> {};

TEST_P(DecodedHeader, IsWhatAReaderSees) {
  std::string out = "old";
  DecodeHeader(GetParam().raw, out);
  EXPECT_EQ(out, GetParam().decoded);
}

constexpr auto kUnfolding = std::to_array<HeaderCase>({
    {.name = "Plain", .raw = "hello", .decoded = "hello"},
    {.name = "Empty", .raw = "", .decoded = ""},
    {.name = "OnlyBlanks", .raw = " \t ", .decoded = ""},
    {.name = "Blanks", .raw = " a  b\t", .decoded = "a  b"},
    {.name = "Folded", .raw = "a\r\n b", .decoded = "a b"},
    {.name = "FoldedWithTab", .raw = "a\r\n\tb", .decoded = "a\tb"},
    {.name = "FoldedByLibmilter", .raw = "a\n b", .decoded = "a b"},
    {.name = "FoldedAtTheEnd", .raw = "a\r\n ", .decoded = "a"},
    {.name = "LineEndWithoutBlank", .raw = "a\r\nb", .decoded = "a b"},
    {.name = "LoneCr", .raw = "a\rb", .decoded = "a b"},
    {.name = "RawUtf8", .raw = "grün", .decoded = "grün"},
    {.name = "InvalidUtf8", .raw = "gr\xfcn", .decoded = "gr" BAD "n"},
    {.name = "Nul", .raw = "a\0b"sv, .decoded = "a" BAD "b"},
});
constexpr auto kWords = std::to_array<HeaderCase>({
    {.name = "Q", .raw = "=?utf-8?q?gr=C3=BCn?=", .decoded = "grün"},
    {.name = "QUpperCase", .raw = "=?UTF-8?Q?gr=c3=bcn?=", .decoded = "grün"},
    {.name = "QUnderscore", .raw = "=?utf-8?q?a_b?=", .decoded = "a b"},
    {.name = "QBadEscape", .raw = "=?utf-8?q?a=zz=4?=", .decoded = "a=zz=4"},
    {.name = "QBlank", .raw = "=?utf-8?q?a b?=", .decoded = "a b"},
    {.name = "QEmpty", .raw = "=?utf-8?q?\?=", .decoded = ""},
    {.name = "B", .raw = "=?utf-8?b?Z3LDvG4=?=", .decoded = "grün"},
    {.name = "BWithoutPadding",
     .raw = "=?utf-8?B?Z3LDvG4?=",
     .decoded = "grün"},
    {.name = "Ascii", .raw = "=?us-ascii?q?Viagra?=", .decoded = "Viagra"},
    {.name = "Latin1", .raw = "=?iso-8859-1?q?gr=FCn?=", .decoded = "grün"},
    {.name = "Latin9", .raw = "=?ISO-8859-15?q?=A4?=", .decoded = "€"},
    {.name = "Windows", .raw = "=?windows-1252?q?=80?=", .decoded = "€"},
    {.name = "Cyrillic", .raw = "=?koi8-r?b?0NLJ18XU?=", .decoded = "привет"},
    {.name = "Japanese",
     .raw = "=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=",
     .decoded = "日本"},
    {.name = "Language", .raw = "=?utf-8*de?q?gr=C3=BCn?=", .decoded = "grün"},
    {.name = "Within",
     .raw = "Re: =?utf-8?q?gr=C3=BCn?= !",
     .decoded = "Re: grün !"},
    {.name = "WithinAWord", .raw = "a=?utf-8?q?b?=c", .decoded = "abc"},
    {.name = "AdjacentAreJoined",
     .raw = "=?utf-8?q?a?= =?utf-8?q?b?=",
     .decoded = "ab"},
    {.name = "FoldedAreJoined",
     .raw = "=?utf-8?q?a?=\r\n =?utf-8?q?b?=",
     .decoded = "ab"},
    {.name = "TouchingAreJoined",
     .raw = "=?utf-8?q?a?==?utf-8?q?b?=",
     .decoded = "ab"},
    {.name = "AdjacentOfTwoCharsets",
     .raw = "=?utf-8?q?=C3=BC?= =?iso-8859-1?q?=FC?=",
     .decoded = "üü"},
    {.name = "CharacterSplitBetweenWords",
     .raw = "=?utf-8?q?gr=C3?= =?utf-8?q?=BCn?=",
     .decoded = "grün"},
    {.name = "CharacterSplitBetweenBAndQ",
     .raw = "=?utf-8?b?Z3LD?= =?UTF-8?q?=BCn?=",
     .decoded = "grün"},
    {.name = "TextBetweenKeepsBlanks",
     .raw = "=?utf-8?q?a?= x =?utf-8?q?b?=",
     .decoded = "a x b"},
    {.name = "BlanksInsideAreTrimmedOutside",
     .raw = "=?utf-8?q?_a_?=",
     .decoded = "a"},
    {.name = "DecodedLineEnd",
     .raw = "=?utf-8?q?a=0D=0Ab?=",
     .decoded = "a  b"},
    {.name = "DecodedNul", .raw = "=?utf-8?q?a=00b?=", .decoded = "a" BAD "b"},
    {.name = "DecodedInvalidUtf8",
     .raw = "=?utf-8?q?a=FFb?=",
     .decoded = "a" BAD "b"},
    {.name = "ByteThatTheCharsetLacks",
     .raw = "=?windows-1252?q?a=81b?=",
     .decoded = "a" BAD "b"},
    {.name = "CharacterCutAtTheEnd",
     .raw = "=?shift_jis?q?a=93?=",
     .decoded = "a" BAD},
    {.name = "DecodedOnce",
     .raw = "=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3F=3D?=",
     .decoded = "=?utf-8?q?a?="},
});
constexpr auto kUndecodable = std::to_array<HeaderCase>({
    {.name = "Charset", .raw = "=?x-none?q?a?=", .decoded = "=?x-none?q?a?="},
    {.name = "Utf7",
     .raw = "=?utf-7?q?+AGE-?=",
     .decoded = "=?utf-7?q?+AGE-?="},
    {.name = "CharsetWithOptions",
     .raw = "=?iso-8859-1//IGNORE?q?a?=",
     .decoded = "=?iso-8859-1//IGNORE?q?a?="},
    {.name = "EmptyCharset", .raw = "=??q?a?=", .decoded = "=??q?a?="},
    {.name = "Encoding", .raw = "=?utf-8?x?a?=", .decoded = "=?utf-8?x?a?="},
    {.name = "Base64", .raw = "=?utf-8?b?a*b?=", .decoded = "=?utf-8?b?a*b?="},
    {.name = "NoEnd", .raw = "=?utf-8?q?abc", .decoded = "=?utf-8?q?abc"},
    {.name = "NoText", .raw = "=?utf-8?q", .decoded = "=?utf-8?q"},
    {.name = "NoEncoding", .raw = "=?utf-8?", .decoded = "=?utf-8?"},
    {.name = "OnlyTheBegin", .raw = "=?", .decoded = "=?"},
    {.name = "WordInsideABadOne",
     .raw = "=?utf-8?=?utf-8?q?a?=",
     .decoded = "=?utf-8?a"},
    {.name = "BetweenGoodOnes",
     .raw = "=?utf-8?q?a?= =?x-none?q?b?= =?utf-8?q?c?=",
     .decoded = "a =?x-none?q?b?= c"},
});

constexpr auto kCaseName = [](const auto& test) {
  return std::string(test.param.name);
};
INSTANTIATE_TEST_SUITE_P(Unfolding, DecodedHeader,
                         testing::ValuesIn(kUnfolding), kCaseName);
INSTANTIATE_TEST_SUITE_P(Words, DecodedHeader, testing::ValuesIn(kWords),
                         kCaseName);
INSTANTIATE_TEST_SUITE_P(Undecodable, DecodedHeader,
                         testing::ValuesIn(kUndecodable), kCaseName);

TEST(DecodeHeader, DoesNotAllocateAfterWarmUp) {
  constexpr std::string_view kRaw =
      "Re: =?iso-8859-1?q?gr=FCne_und_blaue_und_noch_mehr_Farben?=";
  std::string out;
  DecodeHeader(kRaw, out);
  const size_t before = ThreadAllocations();
  DecodeHeader(kRaw, out);
  EXPECT_EQ(ThreadAllocations(), before);
}

// Quadratic time would take minutes.
TEST(DecodeHeader, TakesHostileInputInLinearTime) {
  for (const std::string_view piece :
       {"=?", "=?utf-8?q?", "=?utf-8?q?a?=", "=?utf-8?q?a?= ", "=?u?b?\r\n ",
        "\r", "\r\n ", "\xff", "=?iso-8859-1?q?=FC?=", "=?=?"}) {
    std::string raw;
    while (raw.size() < size_t{1} << 18) raw += piece;
    std::string out;
    DecodeHeader(raw, out);
    EXPECT_LE(out.size(), 4 * raw.size()) << piece;
  }
}

}  // namespace
}  // namespace gate::policy
