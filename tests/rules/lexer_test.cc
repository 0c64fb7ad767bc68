#include "rules/lexer.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "rules/check_characters.h"
#include "rules/keywords.h"
#include "rules/parser.h"

namespace gate::rules {
namespace {

// The tokens of `text`, separated by `|`; newlines as `$`.
std::string Tokens(std::string text, LexMode mode, std::string* faults) {
  Sources sources;
  Diagnostics diagnostics;
  const FileId file = sources.Add("f", std::move(text));
  Lexer lexer(sources, file, diagnostics);
  std::string out;
  for (Token token = lexer.Next(mode); token.kind != TokenKind::kEnd;
       token = lexer.Next(mode)) {
    if (!out.empty()) out += "|";
    out += token.kind == TokenKind::kNewline ? "$" : std::string(token.text);
  }
  *faults = diagnostics.Render(sources);
  return out;
}

TEST(Lexer, FindsTheSameBytesDifferentInEachMode) {
  struct Case {
    const char* name;
    LexMode mode;
    std::string text;
    std::string expected;
  };
  const Case cases[] = {
      {.name = "a label before an address",
       .mode = LexMode::kRules,
       .text = "dead:beef::1",
       .expected = "dead|:|beef|:|:|1"},
      {.name = "an address",
       .mode = LexMode::kOperand,
       .text = "dead:beef::1 ::/0 192.0.2.0/24",
       .expected = "dead:beef::1|::/0|192.0.2.0/24"},
      {.name = "a list called like a number",
       .mode = LexMode::kOperand,
       .text = "beef abc: 10M",
       .expected = "beef|abc|:|10M"},
      {.name = "comparisons",
       .mode = LexMode::kRules,
       .text = "a<=b>=c<d>e==f!=g~h!~i",
       .expected = "a|<=|b|>=|c|<|d|>|e|==|f|!=|g|~|h|!~|i"},
      {.name = "rates",
       .mode = LexMode::kRules,
       .text = "60/min,5/10min",
       .expected = "60|/|min|,|5|/|10min"},
      {.name = "comments",
       .mode = LexMode::kRules,
       .text = "a#b\n# c\nd \"#\"",
       .expected = "a|d|\"#\""},
      {.name = "bare words",
       .mode = LexMode::kBraces,
       .text = ".example.org a*b http://x a#b (~=!) }",
       .expected = ".example.org|a*b|http://x|a#b|(~=!)|}"},
      {.name = "patterns",
       .mode = LexMode::kBraces,
       .text = "/a b\\/{2}/i /\"/",
       .expected = "/a b\\/{2}/i|/\"/"},
      {.name = "mailboxes",
       .mode = LexMode::kBraces,
       .text = "<> <a@b> <\"a > \\\" b\"@c>",
       .expected = "<>|<a@b>|<\"a > \\\" b\"@c>"},
      {.name = "lines of steps",
       .mode = LexMode::kSteps,
       .text = "rcpt <a{1..3}@b> X=1,2\n macros {a_b} \"}\" }",
       .expected = "rcpt|<a{1..3}@b>|X=1,2|$|macros|{a_b}|\"}\"|}"},
      {.name = "escapes",
       .mode = LexMode::kRules,
       .text = "\"a\\\"b\" \"\\\\\" c",
       .expected = "\"a\\\"b\"|\"\\\\\"|c"},
  };
  for (const Case& c : cases) {
    std::string faults;
    EXPECT_EQ(Tokens(c.text, c.mode, &faults), c.expected) << c.name;
    EXPECT_EQ(faults, "") << c.name;
  }
}

TEST(Lexer, EndsWithoutReadingBehindTheText) {
  for (const std::string text :
       {"\"", "\"a", "\"a\\", "/", "/a\\", "<", "<\"", "<\"\\", "{", "{1..",
        "!", "&", "a:", "0", "#", "\xef\xbb\xbf", "::", "1.2.3.4/"}) {
    for (const LexMode mode : {LexMode::kRules, LexMode::kOperand,
                               LexMode::kBraces, LexMode::kSteps}) {
      std::string faults;
      Tokens(text, mode, &faults);
      SUCCEED();
    }
  }
}

TEST(CheckCharacters, ReportsTheFirstUnreadablePlace) {
  struct Case {
    std::string text;
    std::string place;
  };
  const Case cases[] = {
      {.text = std::string("ab\0c", 4), .place = "f:1:3: error: control"},
      {.text = "a\n\x1b", .place = "f:2:1: error: control"},
      {.text = "a\rb", .place = "f:1:2: error: control"},
      {.text = "\x7f", .place = "f:1:1: error: control"},
      {.text = "\u00fc\xfc", .place = "f:1:2: error: byte 0xfc"},
  };
  for (const Case& c : cases) {
    Sources sources;
    Diagnostics diagnostics;
    const FileId file = sources.Add("f", c.text);
    EXPECT_FALSE(CheckCharacters(sources, file, diagnostics));
    EXPECT_TRUE(diagnostics.Render(sources).starts_with(c.place))
        << diagnostics.Render(sources);
  }
}

TEST(CheckCharacters, TakesTabsLineEndsAndAllOfUnicode) {
  Sources sources;
  Diagnostics diagnostics;
  const FileId file =
      sources.Add("f", "\xef\xbb\xbf# \t\u00fc\u20ac\U0001f600\r\n");
  EXPECT_TRUE(CheckCharacters(sources, file, diagnostics));
  EXPECT_FALSE(diagnostics.has_errors());
}

TEST(Keywords, CannotBeNames) {
  for (const std::string_view word : ReservedWords()) {
    const std::string reserved(word);
    for (const std::string& text :
         {"list " + reserved + " strings { a }", "limit " + reserved + " 5/min",
          "let " + reserved + " = helo", "at rcpt { " + reserved + ": reject }",
          "at rcpt { shadow " + reserved + ": reject }"}) {
      Sources sources;
      Diagnostics diagnostics;
      Parse(sources, sources.Add("f", text), diagnostics);
      ASSERT_TRUE(diagnostics.has_errors()) << text;
    }
  }
}

TEST(Keywords, TellHowToCallItInstead) {
  Sources sources;
  Diagnostics diagnostics;
  Parse(sources, sources.Add("f", "let over = helo"), diagnostics);
  EXPECT_EQ(diagnostics.Render(sources),
            "f:1:5: error: `over` is a word of the language [reserved-name]\n"
            "  let over = helo\n"
            "      ^^^^\n"
            "help: choose another name, such as `my_over`\n");
}

TEST(Keywords, ReserveAllStatementsAndActions) {
  for (const std::string_view word : StatementWords()) {
    EXPECT_TRUE(IsReserved(word)) << word;
  }
  for (const std::string_view word : ActionWords()) {
    EXPECT_TRUE(IsReserved(word)) << word;
  }
}

}  // namespace
}  // namespace gate::rules
