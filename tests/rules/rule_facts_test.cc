#include "rules/rule_facts.h"

#include <gtest/gtest.h>

#include <string>

#include "rules/policy.h"
#include "tests/rules/policy_text.h"

namespace gate::rules {
namespace {

// Of the policy's first rule: "helo client.ip", in the order of the table.
std::string FactsOfFirstRule(const std::string& policy) {
  const auto compiled = CompileText(policy);
  std::string names;
  for (const FactInfo& info : AllFacts()) {
    if (!compiled->Reads({0}, info.id)) continue;
    names += names.empty() ? "" : " ";
    names += info.name;
  }
  return names;
}

struct ReadsCase {
  const char* name;
  const char* policy;
  const char* facts;
};

class RuleFactsTest : public testing::TestWithParam<ReadsCase> {};

TEST_P(RuleFactsTest, AreAllThatTheRuleDependsOn) {
  EXPECT_EQ(FactsOfFirstRule(GetParam().policy), GetParam().facts);
}

const ReadsCase kReadsCases[] = {
    {"None", "at connect { reject }\nat helo { log \"x\" when helo }", ""},
    {"Condition",
     "at helo { reject when helo == \"x\" and (not daemon or helo ~ /y/) }",
     "daemon helo"},
    {"Lets",
     "let a = daemon\nlet b = a or not a\n"
     "at helo { log \"x\" when helo or b }",
     "daemon helo"},
    {"Text", "at helo { log \"{server.host} {helo}\" }", "server.host helo"},
    {"Limit",
     "limit l 5/min per daemon counting connections when server.port == 25\n"
     "at connect { defer when over l }",
     "server.port daemon"},
    {"Ban", "at connect { ban client.ip for 1h when daemon }",
     "client.ip daemon"},
    {"Banned", "at connect { reject when banned(client.network) }",
     "client.network"},
    {"AddressesHaveTheMtasNameIfNone",
     "at mail { reject when sender.domain == \"x\" }",
     "server.name sender.domain"},
    {"RejectedRecipientsAreKnownByTheirMailer",
     "at rcpt { reject when rcpt.rejected > 3 }", "rcpt.mailer rcpt.rejected"},
};

INSTANTIATE_TEST_SUITE_P(RuleFacts, RuleFactsTest,
                         testing::ValuesIn(kReadsCases),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace gate::rules
