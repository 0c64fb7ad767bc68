#include "rules/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "rules/compiler.h"
#include "tests/rules/policy_text.h"

namespace gate::rules {
namespace {

using ::testing::ElementsAre;

// A policy of one rule at `message`, the facts of a session, and what the
// store answered.
class Asked {
 public:
  explicit Asked(const std::string& condition,
                 const std::string& declarations = "")
      : policy_(CompileText(declarations + "\nat message { it: reject when " +
                            condition + " }")) {
    facts_.ResizeHeaders(policy_->header_names().size());
  }

  FactSet& facts() { return facts_; }
  const Policy& policy() const { return *policy_; }
  MatchState& state() { return state_; }
  void AddHeader(const char* name, const char* value) {
    facts_.AddHeader(*policy_->FindHeader(name), value);
  }
  Truth Holds(const std::vector<Truth>& over = {},
              const std::vector<Truth>& banned = {}) {
    return HoldsWith(*policy_->list_contents(), over, banned);
  }
  Truth HoldsWith(const ListTable& lists, const std::vector<Truth>& over = {},
                  const std::vector<Truth>& banned = {}) {
    return policy_->Holds({0}, {facts_, lists, {over, banned}}, state_);
  }
  bool HoldsWithoutStore() {
    const MatchInput input = {facts_, *policy_->list_contents(), {}};
    return policy_->HoldsWithoutStore({0}, input, state_);
  }
  std::vector<ConditionTrace> Explain() {
    const MatchInput input = {facts_, *policy_->list_contents(), {}};
    return policy_->Explain({0}, input);
  }

 private:
  std::shared_ptr<const Policy> policy_;
  FactSet facts_;
  MatchState state_;
};

struct HoldsCase {
  const char* name;
  const char* condition;
  std::function<void(Asked&)> session = [](Asked&) {};
  Truth holds = Truth::kTrue;
};

class HoldsTest : public testing::TestWithParam<HoldsCase> {};

TEST_P(HoldsTest, AsTheConditionSays) {
  Asked asked(GetParam().condition,
              "list ours domains { .example.org }\n"
              "list nets networks { 192.0.2.0/24 2001:db8::/32 }\n"
              "list words strings { alice \"a b\" Postmaster }\n"
              "list people addresses { <Bob@Example.ORG> }\n"
              "list shapes patterns { /^a+$/ /B/i }\n"
              "list capitals patterns { /^MX[.]/ }\n");
  GetParam().session(asked);
  EXPECT_EQ(asked.Holds(), GetParam().holds);
}

void Helo(Asked& asked) {
  asked.facts().SetText(FactId::kHelo, "mx.example.org");
}
void ClientV6(Asked& asked) {
  const IpAddress address = *IpAddress::Parse("2001:db8::7");
  asked.facts().SetAddress(FactId::kClientIp, address);
  asked.facts().SetPrefix(FactId::kClientNetwork, ClientNetwork(address));
}
void NullSender(Asked& asked) { asked.facts().SetText(FactId::kSender, ""); }
void PtrUnknown(Asked& asked) { asked.facts().SetUnknown(FactId::kClientPtr); }
void TwoSubjects(Asked& asked) {
  asked.AddHeader("Subject", "aaa");
  asked.AddHeader("subject", "other");
}
void Size(Asked& asked) { asked.facts().SetNumber(FactId::kSenderSize, 2048); }

const HoldsCase kHoldsCases[] = {
    {.name = "DomainLiteralIsNormalised",
     .condition = "helo == \"MX.Example.Org\"",
     .session = Helo},
    {.name = "DomainInListBelow", .condition = "helo in ours", .session = Helo},
    {.name = "DomainInBraces",
     .condition = "helo in { spam.example .Example.org }",
     .session = Helo},
    {.name = "DomainPattern", .condition = "helo ~ /^mx\\./", .session = Helo},
    {.name = "DomainGlobIsFolded",
     .condition = "helo matches \"*.EXAMPLE.org\"",
     .session = Helo},
    {.name = "PatternOverADomainSeesNoCase",
     .condition = "helo ~ /^MX[.]/",
     .session = Helo},
    {.name = "ListedPatternOverADomainSeesNoCase",
     .condition = "helo in capitals",
     .session = Helo},
    {.name = "ListedPatternOverATextIsExact",
     .condition = "auth.user in capitals",
     .session =
         [](Asked& asked) {
           asked.facts().SetText(FactId::kAuthUser, "mx.example.org");
         },
     .holds = Truth::kFalse},
    {.name = "ListedStringOverALocalPartSeesNoCase",
     .condition = "rcpt.local in words",
     .session =
         [](Asked& asked) {
           asked.facts().SetText(FactId::kRcptLocal, "postmaster");
         }},
    {.name = "ListedStringOverATextIsExact",
     .condition = "auth.user in words",
     .session =
         [](Asked& asked) {
           asked.facts().SetText(FactId::kAuthUser, "postmaster");
         },
     .holds = Truth::kFalse},
    {.name = "GlobIsOfTheWholeText",
     .condition = "helo matches \"example.org\"",
     .session = Helo,
     .holds = Truth::kFalse},
    {.name = "AddressInList",
     .condition = "client.ip in nets",
     .session = ClientV6},
    {.name = "AddressInOneNetwork",
     .condition = "client.ip in 2001:db8::/48",
     .session = ClientV6},
    {.name = "AddressInBraces",
     .condition = "client.ip in { 192.0.2.1 2001:db8::7 }",
     .session = ClientV6},
    {.name = "AddressEqual",
     .condition = "client.ip == 2001:DB8:0::7",
     .session = ClientV6},
    {.name = "NetworkIsTheSlash64",
     .condition = "client.network in 2001:db8::/64",
     .session = ClientV6},
    {.name = "NullSender", .condition = "sender == <>", .session = NullSender},
    {.name = "NullSenderIsPresent",
     .condition = "sender",
     .session = NullSender},
    {.name = "MailboxLiteralIsNormalised",
     .condition = "sender in { <A@B.example> <BOB@example.ORG> }",
     .session =
         [](Asked& asked) {
           asked.facts().SetText(FactId::kSender, "bob@example.org");
         }},
    {.name = "MailboxInList",
     .condition = "sender in people",
     .session =
         [](Asked& asked) {
           asked.facts().SetText(FactId::kSender, "bob@example.org");
         }},
    {.name = "SizesCompareInBytes",
     .condition = "sender.size == 2K and sender.size > 2000 and "
                  "sender.size <= 1M",
     .session = Size},
    {.name = "NumbersInBraces",
     .condition = "sender.size in { 1 2K }",
     .session = Size},
    {.name = "AbsentTestIsFalse",
     .condition = "helo == \"a.example\"",
     .holds = Truth::kFalse},
    {.name = "AbsentNegationIsTrue", .condition = "helo != \"a.example\""},
    {.name = "AbsentNotInIsTrue", .condition = "helo not in ours"},
    {.name = "AbsentOrderedTestIsFalseBothWays",
     .condition = "sender.size < 5 or sender.size >= 5",
     .holds = Truth::kFalse},
    {.name = "UnknownPositiveIsFalse",
     .condition = "client.ptr ~ /./",
     .session = PtrUnknown,
     .holds = Truth::kFalse},
    {.name = "UnknownNegatedIsFalse",
     .condition = "client.ptr !~ /./",
     .session = PtrUnknown,
     .holds = Truth::kFalse},
    {.name = "UnknownUnderNotIsFalse",
     .condition = "not (client.ptr or client.ptr in ours)",
     .session = PtrUnknown,
     .holds = Truth::kFalse},
    {.name = "HeaderPositiveIsSomeInstance",
     .condition = "header[\"Subject\"] == \"other\"",
     .session = TwoSubjects},
    {.name = "HeaderNegatedIsNoInstance",
     .condition = "header[\"Subject\"] != \"other\"",
     .session = TwoSubjects,
     .holds = Truth::kFalse},
    {.name = "HeaderPatternIsSomeInstance",
     .condition = "header[\"SUBJECT\"] ~ /^a/ and header[\"subject\"] in "
                  "shapes",
     .session = TwoSubjects},
    {.name = "AbsentHeaderNegatedIsTrue",
     .condition = "header[\"Subject\"] !~ /x/"},
    {.name = "HeaderCount",
     .condition = "header.count[\"Subject\"] == 2",
     .session = TwoSubjects},
    {.name = "HeaderCountOfNone",
     .condition = "header.count[\"Subject\"] == 0"},
    {.name = "FlagIsPresence",
     .condition = "session.local",
     .session =
         [](Asked& asked) {
           asked.facts().SetFlag(FactId::kSessionLocal, true);
         }},
    {.name = "AbsentFlag",
     .condition = "session.local",
     .holds = Truth::kFalse},
    {.name = "DeMorgan",
     .condition = "not (helo in ours and auth.user)",
     .session = Helo},
};

INSTANTIATE_TEST_SUITE_P(Policy, HoldsTest, testing::ValuesIn(kHoldsCases),
                         [](const auto& test) { return test.param.name; });

constexpr char kLimits[] =
    "limit many 5/min per client.ip counting connections\n";

struct StoreCase {
  const char* name;
  const char* condition;
  Truth unasked;   // nothing is answered yet
  Truth answered;  // over, not banned
  bool without;
};

class StoreTest : public testing::TestWithParam<StoreCase> {};

TEST_P(StoreTest, NeedsTheStoreOnlyIfTheTruthDependsOnIt) {
  Asked asked(GetParam().condition, kLimits);
  asked.facts().SetText(FactId::kHelo, "x");
  EXPECT_EQ(asked.Holds(), GetParam().unasked);
  EXPECT_EQ(asked.Holds({Truth::kNeedsStore}, {Truth::kNeedsStore}),
            GetParam().unasked);
  EXPECT_EQ(asked.Holds({Truth::kTrue}, {Truth::kFalse}), GetParam().answered);
  EXPECT_EQ(asked.HoldsWithoutStore(), GetParam().without);
}

constexpr Truth kNo = Truth::kFalse;
constexpr Truth kYes = Truth::kTrue;
constexpr Truth kAsk = Truth::kNeedsStore;
const StoreCase kStoreCases[] = {
    {"Over", "over many", kAsk, kYes, false},
    {"NotOver", "not over many", kAsk, kNo, true},
    {"Banned", "banned(client.network)", kAsk, kNo, false},
    {"OverAndFalse", "over many and auth.user", kNo, kNo, false},
    {"FalseAndOver", "auth.user and over many", kNo, kNo, false},
    {"OverAndTrue", "over many and helo", kAsk, kYes, false},
    {"OverOrTrue", "over many or helo", kYes, kYes, true},
    {"TrueOrOver", "helo or over many", kYes, kYes, true},
    {"FalseOrOver", "auth.user or over many", kAsk, kYes, false},
    {"NegatedGroup", "not (helo and over many)", kAsk, kNo, true},
};

INSTANTIATE_TEST_SUITE_P(Policy, StoreTest, testing::ValuesIn(kStoreCases),
                         [](const auto& test) { return test.param.name; });

TEST(Policy, SeesAFactThatChanged) {
  Asked asked("helo ~ /^a/ and helo != \"ab\"");
  for (const auto& [helo, holds] : std::vector<std::pair<const char*, Truth>>{
           {"a", kYes}, {"ab", kNo}, {"b", kNo}, {"ac", kYes}}) {
    asked.facts().SetText(FactId::kHelo, helo);
    EXPECT_EQ(asked.Holds(), holds) << helo;
  }
  asked.facts().Clear(FactId::kHelo);
  EXPECT_EQ(asked.Holds(), kNo);
}

TEST(Policy, SeesAHeaderThatCameAndWent) {
  Asked asked("header[\"Subject\"] ~ /a/ or header.count[\"Subject\"] > 1");
  EXPECT_EQ(asked.Holds(), kNo);
  asked.AddHeader("Subject", "b");
  EXPECT_EQ(asked.Holds(), kNo);
  asked.AddHeader("Subject", "a");
  EXPECT_EQ(asked.Holds(), kYes);
  asked.facts().ClearFrom(Stage::kMail);
  EXPECT_EQ(asked.Holds(), kNo);
}

TEST(Policy, AsksOtherListContentsAfterReset) {
  Asked asked("helo in names", "list names domains { a.example }\n");
  asked.facts().SetText(FactId::kHelo, "b.example");
  EXPECT_EQ(asked.Holds(), kNo);
  Diagnostics diagnostics;
  const ListEntry entry = {.kind = ast::Literal::Kind::kWord,
                           .text = "b.example",
                           .flags = {},
                           .range = {}};
  const ListTable swapped(
      {BuildList(ListType::kDomains, {&entry, 1}, diagnostics)});
  asked.state().Reset();
  EXPECT_EQ(asked.HoldsWith(swapped), kYes);
}

TEST(Policy, OneStateServesOnePolicyAfterAnotherWhenReset) {
  Asked first("helo == \"a\" or auth.user == \"b\"");
  first.facts().SetText(FactId::kHelo, "a");
  EXPECT_EQ(first.Holds(), kYes);
  const auto second = CompileText("at helo { reject when helo == \"b\" }");
  first.state().Reset();
  EXPECT_EQ(second->Holds({0}, {first.facts(), *second->list_contents(), {}},
                          first.state()),
            kNo);
}

// Without sharing, both would take 2^60 steps.
TEST(Policy, LetsThatUseLetsTwiceCostLittle) {
  std::string lets = "let l0 = helo\n";
  for (int i = 1; i <= 60; ++i)
    absl::StrAppendFormat(
        &lets, "let l%d = (l%d and not auth.user) or (l%d and auth.author)\n",
        i, i - 1, i - 1);
  Asked asked("l60", lets);
  EXPECT_EQ(asked.Holds(), kNo);
  asked.facts().SetText(FactId::kHelo, "x");
  EXPECT_EQ(asked.Holds(), kYes);
  EXPECT_EQ(asked.Explain().size(), 1 + 60 * 2);
}

TEST(Policy, FindsHeadersWhateverTheirCase) {
  Asked asked("header[\"X-Spam\"] and header[\"Subject\"]");
  EXPECT_EQ(asked.policy().header_names().size(), 2);
  ASSERT_TRUE(asked.policy().FindHeader("x-sPAM"));
  EXPECT_NE(*asked.policy().FindHeader("X-SPAM"),
            *asked.policy().FindHeader("SUBJECT"));
  EXPECT_FALSE(asked.policy().FindHeader("From"));
}

TEST(Policy, AppliesAsTheLimitsWhenSays) {
  const auto policy = CompileText(
      "limit always 5/min per client.ip counting connections\n"
      "limit some 5/min per client.ip counting recipients when auth.user\n"
      "at rcpt { defer when over always or over some }");
  FactSet facts;
  MatchState state;
  const MatchInput input = {facts, *policy->list_contents(), {}};
  EXPECT_TRUE(policy->Applies({0}, input, state));
  EXPECT_FALSE(policy->Applies({1}, input, state));
  facts.SetText(FactId::kAuthUser, "alice");
  EXPECT_TRUE(policy->Applies({1}, input, state));
}

std::vector<std::string> Lines(const std::vector<ConditionTrace>& traces) {
  std::vector<std::string> lines;
  for (const ConditionTrace& trace : traces) {
    static constexpr const char* kTruths[] = {"no", "yes", "ask"};
    lines.push_back(absl::StrFormat("%s | %s | %s", trace.text, trace.values,
                                    kTruths[static_cast<int>(trace.truth)]));
  }
  return lines;
}

TEST(Policy, ExplainsEveryTestInWrittenOrder) {
  Asked asked(
      "not (known or client.ptr) and (over many or sender == <> or "
      "header[\"Subject\"] ~ /x/ or rcpt.domain not in ours)",
      std::string(kLimits) +
          "list ours domains { example.org }\n"
          "let known = client.ip in 192.0.2.0/24 or session.local\n");
  asked.facts().SetAddress(FactId::kClientIp, *IpAddress::Parse("192.0.2.1"));
  asked.facts().SetUnknown(FactId::kClientPtr);
  asked.facts().SetText(FactId::kRcptDomain, "elsewhere.example");
  asked.AddHeader("Subject", "a \"b\"\n");
  asked.AddHeader("Subject", "x");
  EXPECT_THAT(
      Lines(asked.Explain()),
      ElementsAre(
          "client.ip in 192.0.2.0/24 | client.ip = 192.0.2.1 | yes",
          "session.local | absent | no",
          "client.ptr | unknown (the MTA never sends {client_ptr}) | no",
          "over many |  | ask", "sender == <> | absent | no",
          "header[\"Subject\"] ~ /x/ | "
          "header[\"Subject\"] = \"a \\\"b\\\"\\x0a\", \"x\" | yes",
          "rcpt.domain not in ours | "
          "rcpt.domain = \"elsewhere.example\" | yes"));
}

TEST(Policy, ExplainCutsLongValuesBetweenCharacters) {
  Asked asked("body ~ /x/");
  std::string body;
  for (int i = 0; i < 500; ++i) body += "ä";
  asked.facts().SetText(FactId::kBody, body);
  const std::string values = asked.Explain()[0].values;
  EXPECT_LT(values.size(), 250);
  EXPECT_THAT(values, testing::EndsWith("ä\" ..."));
}

TEST(TextTemplate, RendersFactsAndLimitNumbers) {
  const auto policy = CompileText(
      "limit many 5/min per client.ip counting connections\n"
      "at connect { defer 451 4.7.1 \"No: {client.ip} [{client.ptr}] "
      "{limit.name} {limit.used}/{limit.allowed} {limit.retry_after}\" "
      "when over many }");
  FactSet facts;
  facts.SetAddress(FactId::kClientIp, *IpAddress::Parse("192.0.2.1"));
  std::string out = "before";
  policy->rule({0}).text.Render(
      facts,
      {.name = "many", .used = 5, .allowed = 6, .retry_after_us = 17'200'000},
      out);
  EXPECT_EQ(out, "No: 192.0.2.1 [] many 5/6 18s");
}

}  // namespace
}  // namespace gate::rules
