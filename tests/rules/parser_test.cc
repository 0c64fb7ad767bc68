#include "rules/parser.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>

#include "rules/parse_expression.h"
#include "tests/golden_files.h"

namespace gate::rules {
namespace {

struct Parsed {
  Sources sources;
  Diagnostics diagnostics;
  ast::Tree tree;

  explicit Parsed(std::string text) {
    const FileId file = sources.Add("policy.rules", std::move(text));
    tree = Parse(sources, file, diagnostics);
  }
  std::string Faults() const { return diagnostics.Render(sources); }
};

// One line of ids, in the order in which they were found.
std::string Ids(const Diagnostics& diagnostics) {
  std::string ids;
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    if (!ids.empty()) ids += " ";
    ids += IdText(diagnostic.id);
  }
  return ids;
}

TEST(Parser, ReportsEachSyntaxFaultOnce) {
  size_t tried = 0;
  for (const DiagnosticId id : AllDiagnosticIds()) {
    const std::string name(IdText(id));
    const Parsed parsed(
        testing::ReadFile(testing::GoldenFolder("check") / (name + ".rules")));
    EXPECT_EQ(Ids(parsed.diagnostics), name) << parsed.Faults();
    ++tried;
    if (id == DiagnosticId::kExpectWithoutStep) break;
  }
  EXPECT_GE(tried, 25U);
}

TEST(Parser, KnowsPlacesOfNodes) {
  const Parsed parsed(
      "limit a 5/min\n"
      "at rcpt {\n"
      "  one: reject 554 \"Go: {client.ip}\" when (helo ~ /x/ and over a)\n"
      "}\n");
  ASSERT_FALSE(parsed.diagnostics.has_errors()) << parsed.Faults();
  const auto text = [&](const SourceRange& range) {
    return std::string(parsed.sources.Text(range));
  };
  const auto& limit = std::get<ast::Limit>(parsed.tree.statements[0]);
  EXPECT_EQ(text(limit.range), "limit a 5/min");
  EXPECT_EQ(text(limit.windows[0].range), "5/min");
  const auto& block = std::get<ast::Block>(parsed.tree.statements[1]);
  EXPECT_EQ(text(block.stage.range), "rcpt");
  const ast::Rule& rule = block.rules[0];
  EXPECT_EQ(text(rule.label->range), "one");
  EXPECT_EQ(text(rule.action.range), "reject 554 \"Go: {client.ip}\"");
  EXPECT_EQ(text(rule.action.text->pieces[1].fact->range), "client.ip");
  EXPECT_EQ(text(rule.when->range), "(helo ~ /x/ and over a)");
  EXPECT_EQ(text(rule.when->children[0]->range), "helo ~ /x/");
  EXPECT_EQ(text(rule.when->children[0]->literals[0].range), "/x/");
  EXPECT_EQ(text(rule.when->children[1]->list_name.range), "a");
}

TEST(Parser, StopsAtTwentyErrors) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "let x\n";
  const Parsed parsed(text);
  EXPECT_EQ(parsed.diagnostics.error_count(), Diagnostics::kMaxErrors);
}

TEST(Parser, SurvivesHostileNesting) {
  const size_t kDeep = 100'000;
  for (const std::string open : {"(", "not ", "a and (", "{", "at x {"}) {
    std::string text = "let x = ";
    for (size_t i = 0; i < kDeep / open.size(); ++i) text += open;
    EXPECT_TRUE(Parsed(text).diagnostics.has_errors()) << open;
  }
}

TEST(Parser, ReadsTwoHundredLevels) {
  const std::string text = "let x = " + std::string(kMaxNesting - 1, '(') +
                           "helo" + std::string(kMaxNesting - 1, ')');
  EXPECT_EQ(Parsed(text).Faults(), "");
}

TEST(ParseSetting, TakesOneSettingWithoutItsWord) {
  struct Case {
    const char* text;
    const char* expected;  // dump or ids
  };
  const Case cases[] = {
      {.text = "socket \"unix:/x\" mode 660",
       .expected = "set socket \"unix:/x\" mode 660\n"},
      {.text = "mode shadow", .expected = "set mode shadow\n"},
      {.text = "set mode shadow", .expected = "unexpected-token"},
      {.text = "mode", .expected = "unexpected-token"},
      {.text = "", .expected = "unexpected-token"},
      {.text = "mode shadow\nlet a = b", .expected = "unexpected-token"},
      {.text = "mode \x01", .expected = "control-character"},
  };
  for (const Case& c : cases) {
    Sources sources;
    Diagnostics diagnostics;
    const ast::Tree tree =
        ParseSetting(sources, sources.Add("--set 1", c.text), diagnostics);
    EXPECT_EQ(diagnostics.has_errors() ? Ids(diagnostics) : ast::Dump(tree),
              c.expected)
        << c.text;
    EXPECT_EQ(tree.statements.size(), diagnostics.has_errors() ? 0U : 1U);
  }
}

TEST(ParseSteps, ReadsASessionWithoutBraces) {
  Sources sources;
  Diagnostics diagnostics;
  const FileId file = sources.Add(
      "-", "client 192.0.2.1\n\n# a comment\nmail <a@b>\n  expect accept");
  const ast::Test session = ParseSteps(sources, file, diagnostics);
  EXPECT_EQ(diagnostics.Render(sources), "");
  ASSERT_EQ(session.steps.size(), 2U);
  EXPECT_EQ(ast::Dump(session.steps[0]), "client 192.0.2.1");
  EXPECT_EQ(ast::Dump(session.steps[1]), "mail <a@b>");
  ASSERT_EQ(session.steps[1].expect.size(), 1U);
  EXPECT_EQ(ast::Dump(session.steps[1].expect[0]), "expect accept");
}

TEST(ParseSteps, ReportsWhatIsNoStep) {
  for (const char* text : {"}", "at rcpt {", "set mode shadow", "mial <a@b>"}) {
    Sources sources;
    Diagnostics diagnostics;
    ParseSteps(sources, sources.Add("-", text), diagnostics);
    EXPECT_EQ(diagnostics.error_count(), 1U) << text;
  }
}

}  // namespace
}  // namespace gate::rules
