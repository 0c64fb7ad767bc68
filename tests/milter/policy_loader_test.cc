#include "milter/policy_loader.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/rules/map_reader.h"

namespace gate::milter {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TestedPolicy Load(const std::string& text,
                  const rules::LoadOptions& options = {}) {
  rules::MapReader reader({{"policy.rules", text}});
  return LoadAndTest(reader, "policy.rules", options);
}

constexpr const char* kRefuseAll = "at rcpt { all: reject 554 5.7.1 \"No\" }\n";

TEST(PolicyLoader, PassesAPolicyWhoseTestsPass) {
  const TestedPolicy policy = Load(std::string(kRefuseAll) + R"(test "one" {
    mail <a@example.org>
    rcpt <b@example.org> expect reject 554 by all
  })");
  EXPECT_TRUE(policy.ok) << policy.report;
  EXPECT_EQ(policy.report, "");
  EXPECT_EQ(policy.tests.passed, 1u);
}

TEST(PolicyLoader, RefusesAPolicyThatFailsItsOwnTests) {
  const TestedPolicy policy = Load(std::string(kRefuseAll) + R"(test "one" {
    mail <a@example.org>
    rcpt <b@example.org> expect accept
  }
  test "two" { mail <a@example.org> expect accept })");
  EXPECT_FALSE(policy.ok);
  EXPECT_NE(policy.load.policy, nullptr);
  EXPECT_THAT(policy.report,
              AllOf(HasSubstr("policy.rules:4:"), HasSubstr("\"one\""),
                    HasSubstr("expected: accept"),
                    HasSubstr("policy.rules: 1 of 2 tests failed")));
}

TEST(PolicyLoader, TestsWhatShadowRulesWouldDecide) {
  const std::string test = R"(test "one" {
    mail <a@example.org>
    rcpt <b@example.org> expect reject 554 by all
  })";
  const TestedPolicy option =
      Load(kRefuseAll + test, {.overrides = {}, .shadow = true});
  EXPECT_TRUE(option.ok) << option.report;
  EXPECT_TRUE(option.load.policy->settings().shadow);
  const TestedPolicy setting = Load("set mode shadow\n" + (kRefuseAll + test));
  EXPECT_TRUE(setting.ok) << setting.report;
  EXPECT_TRUE(setting.load.policy->rules()[0].shadow);
  EXPECT_EQ(setting.tests.passed, 1u);
}

TEST(PolicyLoader, ReportsFaultsAndRunsNoTestOfAFaultyPolicy) {
  const TestedPolicy policy = Load("frob\ntest \"one\" { expect accept }");
  EXPECT_FALSE(policy.ok);
  EXPECT_EQ(policy.load.policy, nullptr);
  EXPECT_THAT(policy.report, HasSubstr("policy.rules:1:1: error: "));
  EXPECT_TRUE(policy.tests.outcomes.empty());
}

TEST(PolicyLoader, WarningsAreReportedAndRefuseNothing) {
  const TestedPolicy policy = Load("list unused domains { a.example }");
  EXPECT_TRUE(policy.ok);
  EXPECT_THAT(policy.report, HasSubstr("warning: "));
}

TEST(PolicyLoader, MissingFileIsAFault) {
  rules::MapReader reader;
  const TestedPolicy policy = LoadAndTest(reader, "gone.rules", {});
  EXPECT_FALSE(policy.ok);
  EXPECT_THAT(policy.report, HasSubstr("gone.rules"));
}

}  // namespace
}  // namespace gate::milter
