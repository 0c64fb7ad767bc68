// How scenarios report; what they decide is in tests/golden/run.
#include "policy/scenario.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/policy/policy_text.h"

namespace gate::policy {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

rules::LoadResult Load(std::string text) {
  rules::MapReader reader({{"policy.rules", std::move(text)}});
  rules::LoadResult loaded = rules::LoadPolicy(reader, "policy.rules");
  EXPECT_TRUE(loaded.policy) << loaded.Render();
  return loaded;
}

TEST(Scenario, PlaysEachNumberOfARange) {
  const auto policy = PolicyOf(R"(
    limit per_user 200/hour, 1000/day per auth.user counting recipients
    at rcpt { user_too_fast: defer 451 4.7.1 "Try in {limit.retry_after}" when over per_user }
    test "the 201st recipient waits" {
      client 203.0.113.7
      helo "laptop"
      tls "TLSv1.3"
      auth "alice" PLAIN
      mail <alice@example.org>
      rcpt <u{1..200}@elsewhere.example>  expect accept
      rcpt <x@elsewhere.example>          expect defer 451 by user_too_fast
      after 18s
      rcpt <y@elsewhere.example>          expect accept
    })");
  const ScenarioResult result = RunScenario(policy, policy->tests()[0]);
  EXPECT_THAT(result.failures, IsEmpty());
  // client, helo, helo after STARTTLS, mail, 202 recipients.
  EXPECT_THAT(result.events, SizeIs(206));
  EXPECT_EQ(result.events[4].what, "rcpt <u1@elsewhere.example>");
  EXPECT_EQ(result.events[203].what, "rcpt <u200@elsewhere.example>");
  EXPECT_EQ(result.events[204].text, "Try in 18s");
}

TEST(Scenario, FailsAnExpectationOnceForAllItsPlays) {
  const auto policy = PolicyOf(R"(
    at rcpt { no: reject 550 5.1.1 "No" when rcpt.local != "u1" }
    test "t" {
      mail <a@example.net>
      rcpt <u{1..9}@example.org>  expect accept
    })");
  const ScenarioResult result = RunScenario(policy, policy->tests()[0]);
  ASSERT_THAT(result.failures, SizeIs(1));
  EXPECT_EQ(result.failures[0].event, "rcpt <u2@example.org>");
}

TEST(Scenario, ChecksTheOutcomeOfContentWhereTheMessageEnds) {
  const auto policy = PolicyOf(R"(
    at data    { d: reject 554 5.7.1 "Data" when sender.local == "data" }
    at headers { h: reject 554 5.7.1 "Headers" when header["X"] == "headers" }
    at message { m: reject 554 5.7.1 "Message" when body ~ /message/ }
    test "t" {
      mail <data@example.net>
      rcpt <b@example.org>
      header "X" "1"     expect reject by d
      body "x"           expect reject by d
      mail <a@example.net>
      rcpt <b@example.org>
      data               expect accept
      header "X" "headers"
      header "Y" "1"     expect reject by h
      mail <a@example.net>
      rcpt <b@example.org>
      data
      body "a message"   expect reject by m
    })");
  EXPECT_THAT(RunScenario(policy, policy->tests()[0]).failures, IsEmpty());
}

TEST(Scenario, TracesEveryRuleTriedIfAsked) {
  const auto policy = PolicyOf(R"(
    limit few 1/hour per sender counting recipients
    at rcpt {
      one: reject 550 5.1.1 "One" when rcpt.local == "one"
      two: reject 550 5.1.1 "Two" when rcpt.local == "two" and not over few
      three: log "not tried"
    }
    test "t" {
      mail <a@example.net>
      rcpt <two@example.org>
    })");
  const ScenarioResult plain = RunScenario(policy, policy->tests()[0]);
  EXPECT_THAT(plain.events.back().trace, IsEmpty());
  const ScenarioResult result =
      RunScenario(policy, policy->tests()[0], {.trace = true});
  const ScenarioEvent& event = result.events.back();
  ASSERT_THAT(event.trace, SizeIs(2));
  EXPECT_EQ(event.trace[0].rule, "one");
  EXPECT_EQ(event.trace[0].truth, rules::Truth::kFalse);
  EXPECT_EQ(event.trace[1].truth, rules::Truth::kTrue);
  EXPECT_EQ(event.trace[1].conditions[0].values, "rcpt.local = \"two\"");
}

TEST(Scenario, NamesThePlaceOfTheRule) {
  const auto policy = PolicyOf(R"(at mail {
  no: reject 550 5.7.1 "No"
}
test "t" { mail <a@example.net>
})");
  const ScenarioResult result = RunScenario(policy, policy->tests()[0]);
  EXPECT_EQ(result.events.back().rule_place, "policy.rules:2");
}

TEST(RunTests, ReportsEventExpectedGotAndConditions) {
  const rules::LoadResult loaded = Load(R"(list ours domains { example.org }
at rcpt {
  no_relay: reject 554 5.7.1 "Relaying denied" when rcpt.domain not in ours and not auth.user
}
test "fine" {
  mail <a@example.net>
  rcpt <b@example.org>  expect accept
}
test "wrong" {
  mail <a@example.net>
  rcpt <b@example.org>  expect reject 554 by no_relay
}
)");
  const TestRun run = RunTests(loaded.policy, *loaded.sources);
  EXPECT_EQ(run.passed, 1U);
  EXPECT_EQ(run.failed, 1U);
  EXPECT_EQ(run.report,
            R"(policy.rules:11:25: test "wrong" failed
  event:    rcpt <b@example.org>
  expected: reject 554 by no_relay
  got:      accept
  rule no_relay does not hold
    false      rcpt.domain not in ours  rcpt.domain = "example.org"  policy.rules:1
    false      auth.user                absent
)");
  ASSERT_THAT(run.outcomes, SizeIs(2));
  EXPECT_EQ(run.outcomes[0].title, "fine");
  EXPECT_TRUE(run.outcomes[0].ok);
  EXPECT_FALSE(run.outcomes[1].ok);
  EXPECT_EQ(run.outcomes[1].report, run.report);
}

TEST(RunTests, GivesEachTestAStoreAndAClockOfItsOwn) {
  const rules::LoadResult loaded = Load(R"(
    limit few 1/hour per client.network counting connections
    at connect { many: defer 421 4.7.0 "Too many" when over few }
    test "one" { client 203.0.113.9  expect accept
    }
    test "two" { client 203.0.113.9  expect accept
    })");
  const TestRun run = RunTests(loaded.policy, *loaded.sources);
  EXPECT_EQ(run.failed, 0U) << run.report;
}

}  // namespace
}  // namespace gate::policy
