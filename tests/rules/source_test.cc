#include "rules/source.h"

#include <gtest/gtest.h>

#include <string>

namespace gate::rules {
namespace {

TEST(Utf8CharacterSize, FollowsRfc3629) {
  struct Case {
    const char* name;
    std::string text;
    size_t size;
  };
  const Case cases[] = {
      {.name = "empty", .text = "", .size = 0},
      {.name = "ascii", .text = "ab", .size = 1},
      {.name = "two bytes", .text = "\u00fcx", .size = 2},
      {.name = "three bytes", .text = "\u20ac", .size = 3},
      {.name = "four bytes", .text = "\U0001f600", .size = 4},
      {.name = "last code point", .text = "\xf4\x8f\xbf\xbf", .size = 4},
      {.name = "behind the last", .text = "\xf4\x90\x80\x80", .size = 0},
      {.name = "overlong slash", .text = "\xc0\xaf", .size = 0},
      {.name = "overlong three", .text = "\xe0\x80\xaf", .size = 0},
      {.name = "surrogate", .text = "\xed\xa0\x80", .size = 0},
      {.name = "cut off", .text = "\xe2\x82", .size = 0},
      {.name = "bad second byte", .text = "\xc3x", .size = 0},
      {.name = "continuation first", .text = "\x80", .size = 0},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Utf8CharacterSize(c.text), c.size) << c.name;
  }
}

TEST(SourceFile, LocatesLinesAndCodePoints) {
  const SourceFile source("a", "ab\n\u00fc\u20acx\n");
  struct Case {
    uint32_t offset;
    uint32_t line;
    uint32_t column;
  };
  const Case cases[] = {
      {.offset = 0, .line = 1, .column = 1},
      {.offset = 2, .line = 1, .column = 3},
      {.offset = 3, .line = 2, .column = 1},
      {.offset = 5, .line = 2, .column = 2},
      {.offset = 8, .line = 2, .column = 3},
      {.offset = 10, .line = 3, .column = 1},
      {.offset = 99, .line = 3, .column = 1},
  };
  for (const Case& c : cases) {
    const LineColumn place = source.Locate(c.offset);
    EXPECT_EQ(place.line, c.line) << c.offset;
    EXPECT_EQ(place.column, c.column) << c.offset;
  }
}

TEST(SourceFile, GivesLinesWithoutTheirEnds) {
  const SourceFile source("a", "one\r\ntwo\n\nlast");
  EXPECT_EQ(source.Line(1), "one");
  EXPECT_EQ(source.Line(2), "two");
  EXPECT_EQ(source.Line(3), "");
  EXPECT_EQ(source.Line(4), "last");
  EXPECT_EQ(source.Line(5), "");
  EXPECT_EQ(source.Line(0), "");
}

TEST(Sources, DescribeTheBeginOfARange) {
  Sources sources;
  sources.Add("first", "x");
  const FileId file = sources.Add("policy.rules", "at rcpt {\n  reject\n}\n");
  const SourceRange range{file, 12, 18};
  EXPECT_EQ(sources.Text(range), "reject");
  EXPECT_EQ(sources.Describe(range), "policy.rules:2:3");
  EXPECT_EQ(sources.Text(SubRange(range, 2, 4)), "je");
}

TEST(Sources, KeepReferencesWhileTextsAreAdded) {
  Sources sources;
  const SourceFile& first = sources.file(sources.Add("first", "text"));
  for (int i = 0; i < 1000; ++i) sources.Add("other", "text");
  EXPECT_EQ(first.text(), "text");
}

}  // namespace
}  // namespace gate::rules
