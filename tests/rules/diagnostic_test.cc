#include "rules/diagnostic.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"

namespace gate::rules {
namespace {

// What is printed for a fault at [begin, end) of `text`, without the message.
std::string Excerpt(const std::string& text, uint32_t begin, uint32_t end) {
  Sources sources;
  Diagnostics diagnostics;
  const FileId file = sources.Add("f", text);
  diagnostics.Error(DiagnosticId::kUnexpectedToken, {file, begin, end}, "t");
  const std::string out = diagnostics.Render(sources);
  return out.substr(out.find('\n') + 1);
}

TEST(DiagnosticIds, AreKebabCaseAndUnique) {
  std::set<std::string_view> seen;
  for (const DiagnosticId id : AllDiagnosticIds()) {
    const std::string_view text = IdText(id);
    EXPECT_TRUE(seen.insert(text).second) << text;
    for (const char c : text) {
      EXPECT_TRUE(c == '-' ||
                  absl::ascii_isdigit(static_cast<unsigned char>(c)) ||
                  absl::ascii_islower(static_cast<unsigned char>(c)))
          << text;
    }
  }
}

TEST(Diagnostics, PrintPlaceLineCaretsNotesAndHelp) {
  Sources sources;
  Diagnostics diagnostics;
  const FileId file = sources.Add("policy.rules", "at rcpt {\n  rejct\n");
  Diagnostic& fault = diagnostics.Error(DiagnosticId::kUnknownAction,
                                        {file, 12, 17}, "unknown `rejct`");
  fault.notes.push_back({{file, 0, 2}, "the block begins here"});
  fault.help = "did you mean `reject`?";
  EXPECT_EQ(diagnostics.Render(sources),
            "policy.rules:2:3: error: unknown `rejct` [unknown-action]\n"
            "    rejct\n"
            "    ^^^^^\n"
            "policy.rules:1:1: note: the block begins here\n"
            "help: did you mean `reject`?\n");
}

TEST(Diagnostics, PlaceCaretsBelowWhatIsMeant) {
  struct Case {
    const char* name;
    std::string text;
    uint32_t begin;
    uint32_t end;
    std::string expected;
  };
  const Case cases[] = {
      {.name = "tab before",
       .text = "\ta bc",
       .begin = 3,
       .end = 5,
       .expected = "  \ta bc\n  \t  ^^\n"},
      {.name = "tab inside",
       .text = "a\tb",
       .begin = 0,
       .end = 3,
       .expected = "  a\tb\n  ^^^\n"},
      {.name = "other letters",
       .text = "\u00fc\u20ac x",
       .begin = 2,
       .end = 7,
       .expected = "  \u00fc\u20ac x\n   ^^^\n"},
      {.name = "several lines",
       .text = "ab c\nd",
       .begin = 3,
       .end = 6,
       .expected = "  ab c\n     ^\n"},
      {.name = "nothing",
       .text = "ab",
       .begin = 1,
       .end = 1,
       .expected = "  ab\n   ^\n"},
      {.name = "behind the end",
       .text = "ab",
       .begin = 2,
       .end = 2,
       .expected = "  ab\n    ^\n"},
      {.name = "bytes that a terminal would act on",
       .text = "a\x1b[0m\xff z",
       .begin = 7,
       .end = 8,
       .expected = "  a?[0m\xef\xbf\xbd z\n         ^\n"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Excerpt(c.text, c.begin, c.end), c.expected) << c.name;
  }
}

TEST(Diagnostics, CutLongLinesAroundTheCarets) {
  const std::string text = std::string(500, 'a') + "X" + std::string(500, 'b');
  EXPECT_EQ(Excerpt(text, 500, 501), "  ..." + std::string(40, 'a') + "X" +
                                         std::string(59, 'b') + "...\n" +
                                         std::string(45, ' ') + "^\n");
  EXPECT_EQ(Excerpt(text, 0, 1), "  " + std::string(100, 'a') + "...\n  ^\n");
}

TEST(Diagnostics, StandInTheOrderOfFilesAndPlaces) {
  Sources sources;
  Diagnostics diagnostics;
  const FileId first = sources.Add("a", "xy");
  const FileId second = sources.Add("b", "z");
  diagnostics.Error(DiagnosticId::kBadName, {second, 0, 1}, "three");
  diagnostics.Warning(DiagnosticId::kBadName, {first, 1, 2}, "two");
  diagnostics.Error(DiagnosticId::kBadName, {first, 0, 1}, "one");
  EXPECT_EQ(diagnostics.Render(sources),
            "a:1:1: error: one [bad-name]\n  xy\n  ^\n"
            "a:1:2: warning: two [bad-name]\n  xy\n   ^\n"
            "b:1:1: error: three [bad-name]\n  z\n  ^\n");
}

TEST(Diagnostics, KeepTwentyErrorsAndCountTheRest) {
  Sources sources;
  Diagnostics diagnostics;
  const FileId file = sources.Add("a", "x");
  for (size_t i = 0; i < Diagnostics::kMaxErrors + 3; ++i) {
    EXPECT_EQ(diagnostics.full(), i >= Diagnostics::kMaxErrors);
    diagnostics.Error(DiagnosticId::kBadName, {file, 0, 1}, "t").help = "h";
  }
  EXPECT_EQ(diagnostics.all().size(), Diagnostics::kMaxErrors);
  EXPECT_EQ(diagnostics.error_count(), Diagnostics::kMaxErrors + 3);
  EXPECT_TRUE(
      diagnostics.Render(sources).ends_with("3 more errors are not shown\n"));
}

TEST(Diagnostics, WarningsAreNoErrors) {
  Sources sources;
  Diagnostics diagnostics;
  const FileId file = sources.Add("a", "x");
  for (size_t i = 0; i < 2 * Diagnostics::kMaxErrors; ++i) {
    diagnostics.Warning(DiagnosticId::kBadName, {file, 0, 1}, "t");
  }
  EXPECT_FALSE(diagnostics.has_errors());
  EXPECT_EQ(diagnostics.all().size(), Diagnostics::kMaxErrors);
}

TEST(NearestName, FindsTypingErrorsOnly) {
  constexpr std::array<std::string_view, 5> kKnown = {
      "client.ip", "client.network", "reject", "log", "ban"};
  struct Case {
    std::string_view name;
    std::string_view expected;
  };
  const Case cases[] = {
      {.name = "reject", .expected = "reject"},
      {.name = "rejct", .expected = "reject"},
      {.name = "ejrect", .expected = "reject"},
      {.name = "client_ip", .expected = "client.ip"},
      {.name = "client.netwrok", .expected = "client.network"},
      {.name = "lgo", .expected = "log"},
      {.name = "bn", .expected = "ban"},
      {.name = "accept", .expected = ""},
      {.name = "xyz", .expected = ""},
      {.name = "", .expected = ""},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(NearestName(c.name, kKnown), c.expected) << c.name;
  }
  EXPECT_EQ(NearestName("log", {}), "");
}

}  // namespace
}  // namespace gate::rules
