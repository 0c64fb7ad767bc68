#include "rules/checker.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>

#include "absl/strings/str_format.h"
#include "rules/parser.h"

namespace gate::rules {
namespace {

// One text through the parser and the checker.
struct Checked {
  explicit Checked(std::string text) {
    const FileId file = sources.Add("test", std::move(text));
    tree = Parse(sources, file, diagnostics);
    EXPECT_FALSE(diagnostics.has_errors()) << diagnostics.Render(sources);
    symbols = Check(sources, tree, diagnostics);
  }

  const ast::Block& block() const {
    for (const ast::Statement& statement : tree.statements) {
      if (const auto* found = std::get_if<ast::Block>(&statement)) {
        return *found;
      }
    }
    ADD_FAILURE() << "no block";
    static const ast::Block kNone;
    return kNone;
  }
  const ast::Expr& when(size_t rule) const {
    return *block().rules.at(rule).when;
  }
  std::string Render() const { return diagnostics.Render(sources); }

  Sources sources;
  Diagnostics diagnostics;
  ast::Tree tree;
  Symbols symbols;
};

struct SoundCase {
  const char* name;
  const char* text;
};

class SoundPolicy : public ::testing::TestWithParam<SoundCase> {};

TEST_P(SoundPolicy, HasNoFaultAndNoWarning) {
  const Checked checked(GetParam().text);
  EXPECT_EQ(checked.Render(), "");
}

// Each is next to something that is refused.
INSTANTIATE_TEST_SUITE_P(
    Checker, SoundPolicy,
    ::testing::Values(
        SoundCase{.name = "Empty", .text = ""},
        SoundCase{.name = "FactAtItsOwnStage",
                  .text = "at mail { a: reject \"No\" when auth.user }"},
        SoundCase{.name = "FactAtALaterStage",
                  .text = "at message { a: reject \"No\" when helo == \"x\" }"},
        SoundCase{.name = "LetBeforeItsDeclaration",
                  .text = "at mail { a: reject \"No\" when b and c }\n"
                          "let b = c let c = auth.user"},
        SoundCase{.name = "RejectionsAtTheStageOfTheirKey",
                  .text = "limit l 5/min per client.network "
                          "counting rejections\n"
                          "at connect { a: defer 421 \"Later\" when over l }"},
        SoundCase{.name = "LimitAfterItsEvent",
                  .text = "limit l 5/min counting connections\n"
                          "at message { a: defer \"Later\" when over l }"},
        SoundCase{.name = "BytesAsSize",
                  .text = "limit l 10M/hour burst 20M counting bytes\n"
                          "at mail { a: defer \"Later\" when over l }"},
        SoundCase{.name = "WhenOfRejectionsMayUseEveryFact",
                  .text = "limit l 5/min counting rejections "
                          "when from.domain == \"example.org\"\n"
                          "at message { a: defer \"Later\" when over l }"},
        SoundCase{.name = "LimitFieldsBehindALet",
                  .text = "limit l 5/min counting recipients\n"
                          "let busy = over l\n"
                          "at rcpt { a: defer \"Limit {limit.name}\" "
                          "when busy }"},
        SoundCase{.name = "NumbersAsWordsOfTexts",
                  .text = "at mail { a: reject \"No\" "
                          "when auth.user in { 1001 alice \"bob smith\" } }"},
        SoundCase{.name = "UnderscoreAndAddressLiteralInHelo",
                  .text = "at helo { a: reject \"No\" "
                          "when helo in { my_pc [192.0.2.1] .example.org } }"},
        SoundCase{.name = "NullSender",
                  .text = "at mail { a: reject \"No\" when sender == <> }"},
        SoundCase{.name = "HeaderOfAnyCase",
                  .text = "at message { a: log \"x\" "
                          "when header[\"SUBJECT\"] ~ /x/ "
                          "and header.count[\"subject\"] > 1 }"},
        SoundCase{.name = "FactsBeginHeaderValuesAndLogs",
                  .text = "at mail { a: add header \"X-A\" \"{sender}\" "
                          "b: log \"{helo}\" }"},
        SoundCase{.name = "ShadowRuleDecidesNothingForThoseBehind",
                  .text = "at rcpt { shadow a: reject \"No\" "
                          "b: reject \"No\" when rcpt.routed }"},
        SoundCase{.name = "AcceptOfKnownNetworks",
                  .text = "at mail { a: accept message "
                          "when client.ip in 192.0.2.0/24 }"},
        SoundCase{.name = "AcceptOfUsersAmongOthers",
                  .text = "at mail { a: accept connection "
                          "when auth.user and sender == <> }"},
        SoundCase{.name = "AcceptWhenNoStranger",
                  .text = "let stranger = client.ip not in 192.0.2.0/24\n"
                          "at mail { a: accept message when not stranger }"},
        SoundCase{.name = "BanAskedElsewhere",
                  .text = "at connect { a: reject \"No\" "
                          "when banned(client.network) }\n"
                          "at rcpt { b: ban client.network for 1h "
                          "when rcpt.routed }"},
        SoundCase{.name = "AllSettings",
                  .text = "list ours networks { 192.0.2.0/24 }\n"
                          "set socket \"inet6:8891@::1\"\n"
                          "set control \"unix:/run/c\" group adm mode 0660\n"
                          "set outage defer set failure accept\n"
                          "set mode shadow set protect ours\n"
                          "set user \"gate-milter\" set log debug\n"
                          "set body-limit 1M"},
        SoundCase{.name = "InheritedSocket", .text = "set socket \"fd:3\""},
        SoundCase{.name = "OddButPossibleSteps",
                  .text = "at rcpt { no: reject 550 \"No\" when rcpt.routed }\n"
                          "test \"odd\" {\n"
                          "client 192.0.2.1 \"x\" port 0 unverified\n"
                          "macros {client_ptr} \"x\" j \"mx\"\n"
                          "mail <> SIZE=5 body=8bitmime SMTPUTF8 ENVID=x\n"
                          "rcpt <a%b@example.org> NOTIFY=NEVER "
                          "expect reject 550 by no\n"
                          "rcpt <\"a b\"@example.org> expect accept\n"
                          "rcpt <u{1..3}@example.org>\n"
                          "rset\n"
                          "mail <a@example.org>\n"
                          "rcpt <b@example.org>\n"
                          "header \"A\" \"b\"\n"
                          "new connection\n"
                          "helo x\n"
                          "}"}),
    [](const auto& one) { return one.param.name; });

TEST(Checker, ResolvesFactsAndLets) {
  const Checked checked(
      "let ours = auth.user\n"
      "at rcpt {\n"
      "  a: reject \"No {helo}\" when ours and rcpt.domain == \"x\"\n"
      "}");
  const ast::Expr& both = checked.when(0);
  EXPECT_EQ(both.children[0]->resolved_let, 0);
  EXPECT_EQ(both.children[1]->fact.resolved, FactId::kRcptDomain);
  const ast::Text& text = *checked.block().rules[0].action.text;
  EXPECT_EQ(text.pieces[1].fact->resolved, FactId::kHelo);
}

TEST(Checker, NumbersNamesInTheOrderOfTheFile) {
  const Checked checked(
      "list b domains { x.example }\n"
      "list a domains { y.example }\n"
      "limit l 5/min counting recipients\n"
      "let n = over l\n"
      "at rcpt {\n"
      "  r: reject \"No\" when helo in a or helo in b or n\n"
      "}");
  EXPECT_EQ(checked.symbols.FindList("b"), 0);
  EXPECT_EQ(checked.symbols.FindList("a"), 1);
  EXPECT_EQ(checked.symbols.FindLimit("l"), 0);
  EXPECT_EQ(checked.symbols.FindLet("n"), 0);
  EXPECT_EQ(checked.symbols.FindList("l"), -1);
  EXPECT_EQ(checked.symbols.lists[1]->name.text, "a");
}

TEST(Checker, CollectsEachHeaderOnceWhateverItsCase) {
  const Checked checked(
      "at message {\n"
      "  a: log \"{header[\\\"Subject\\\"]}\"\n"
      "     when header[\"List-Id\"] and header.count[\"subject\"] > 1\n"
      "}");
  ASSERT_EQ(checked.symbols.headers.size(), 2u);
  EXPECT_EQ(checked.symbols.headers[0], "List-Id");
  EXPECT_EQ(checked.symbols.FindHeader("SUBJECT"), 1);
  EXPECT_EQ(checked.symbols.FindHeader("From"), -1);
}

TEST(Checker, FindsTheLatestStageThroughLets) {
  const Checked checked(
      "limit l 5/min counting recipients\n"
      "let network = client.ip in 192.0.2.0/24\n"
      "let user = network or auth.user\n"
      "let busy = over l\n"
      "at message {\n"
      "  a: log \"x\" when network\n"
      "  b: log \"x\" when not user\n"
      "  c: log \"x\" when user and busy\n"
      "  d: log \"x\" when busy and message.size > 10M\n"
      "}");
  const Symbols& symbols = checked.symbols;
  EXPECT_EQ(LatestStage(checked.when(0), symbols), Stage::kConnect);
  EXPECT_EQ(LatestStage(checked.when(1), symbols), Stage::kMail);
  EXPECT_EQ(LatestStage(checked.when(2), symbols), Stage::kRcpt);
  EXPECT_EQ(LatestStage(checked.when(3), symbols), Stage::kMessage);
}

TEST(Checker, BindsUnitsToEvents) {
  EXPECT_EQ(UnitStage(Unit::kConnections), Stage::kConnect);
  EXPECT_EQ(UnitStage(Unit::kMessages), Stage::kMail);
  EXPECT_EQ(UnitStage(Unit::kBytes), Stage::kMail);
  EXPECT_EQ(UnitStage(Unit::kRecipients), Stage::kRcpt);
  EXPECT_EQ(UnitStage(Unit::kRejections), Stage::kMessage);
}

// Each let uses the one before it twice: following each use would take 2^60
// steps.
TEST(Checker, APileOfLetsCostsItsLength) {
  std::string text = "let a0 = auth.user\n";
  for (int i = 1; i <= 60; ++i) {
    absl::StrAppendFormat(&text, "let a%d = a%d or not a%d\n", i, i - 1, i - 1);
  }
  text += "at mail { r: accept message when a60 }";
  const Checked checked(text);
  EXPECT_FALSE(checked.diagnostics.has_errors()) << checked.Render();
}

TEST(Checker, StopsCountingWarningsOfFaultyTrees) {
  const Checked checked(
      "list ours domains { x.example }\n"
      "at rcpt { a: reject \"No\" when rcpt.domain in our }");
  ASSERT_EQ(checked.diagnostics.all().size(), 1u);
  EXPECT_EQ(checked.diagnostics.all()[0].id, DiagnosticId::kUnknownList);
}

TEST(Checker, SurvivesALimitThatAsksItself) {
  const Checked checked(
      "let busy = over l\n"
      "limit l 5/min per client.ip counting rejections when busy\n"
      "at rcpt { a: defer \"Later\" when busy }");
  ASSERT_EQ(checked.diagnostics.all().size(), 1u) << checked.Render();
  EXPECT_EQ(checked.diagnostics.all()[0].id, DiagnosticId::kStoreInWhen);
}

}  // namespace
}  // namespace gate::rules
