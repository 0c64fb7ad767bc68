#include "milter/log_quote.h"

#include <gtest/gtest.h>

#include <string_view>

namespace gate::milter {
namespace {

TEST(LogQuote, EscapesWhatCouldForgeALine) {
  struct Case {
    const char* name;
    std::string_view value;
    std::string_view quoted;
  };
  constexpr Case kCases[] = {
      {.name = "plain", .value = "a@b.example", .quoted = "a@b.example"},
      {.name = "empty", .value = "", .quoted = R"("")"},
      {.name = "blank", .value = "a b", .quoted = R"("a b")"},
      {.name = "key", .value = "a=b", .quoted = R"("a=b")"},
      {.name = "quote", .value = R"(a"b\)", .quoted = R"("a\"b\\")"},
      {.name = "line break",
       .value = "a\r\nstage=rcpt",
       .quoted = R"("a\x0d\x0astage=rcpt")"},
      {.name = "escape", .value = "\x1b[2J", .quoted = R"("\x1b[2J")"},
      {.name = "delete", .value = "\x7f", .quoted = R"("\x7f")"},
      {.name = "UTF-8", .value = "gr\xc3\xbcn", .quoted = "\"gr\xc3\xbcn\""},
      {.name = "C1 control", .value = "\xc2\x9b", .quoted = R"("\xc2\x9b")"},
      {.name = "line separator",
       .value = "\xe2\x80\xa8",
       .quoted = R"("\xe2\x80\xa8")"},
      {.name = "right-to-left override",
       .value = "\xe2\x80\xae",
       .quoted = R"("\xe2\x80\xae")"},
      {.name = "bad byte", .value = "a\xff", .quoted = R"("a\xff")"},
      {.name = "cut short", .value = "\xe2\x82", .quoted = R"("\xe2\x82")"},
      {.name = "overlong", .value = "\xc0\x8a", .quoted = R"("\xc0\x8a")"},
      {.name = "surrogate",
       .value = "\xed\xa0\x80",
       .quoted = R"("\xed\xa0\x80")"},
      {.name = "NUL",
       .value = std::string_view("\0", 1),
       .quoted = R"("\x00")"},
  };
  for (const Case& c : kCases) EXPECT_EQ(LogQuote(c.value), c.quoted) << c.name;
}

}  // namespace
}  // namespace gate::milter
