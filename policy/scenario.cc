#include "policy/scenario.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"
#include "policy/scenario_player.h"

namespace gate::policy {
namespace {

std::string_view TruthText(rules::Truth truth) {
  switch (truth) {
    case rules::Truth::kFalse:
      return "false";
    case rules::Truth::kTrue:
      return "true";
    case rules::Truth::kNeedsStore:
      break;
  }
  return "not asked";
}

std::string_view HoldsText(rules::Truth truth) {
  switch (truth) {
    case rules::Truth::kFalse:
      return "does not hold";
    case rules::Truth::kTrue:
      return "holds";
    case rules::Truth::kNeedsStore:
      break;
  }
  return "waits for the store";
}

TestRun::Outcome RunTest(std::shared_ptr<const rules::Policy> policy,
                         const rules::ast::Test& test,
                         const rules::Sources& sources) {
  const ScenarioResult result = RunScenario(std::move(policy), test);
  TestRun::Outcome outcome{
      .title = test.title.text, .ok = result.failures.empty(), .report = {}};
  for (const ScenarioFailure& failure : result.failures) {
    absl::StrAppendFormat(&outcome.report, "%s: test \"%s\" failed\n%s",
                          sources.Describe(failure.range), test.title.text,
                          DescribeFailure(failure));
  }
  return outcome;
}

}  // namespace

ScenarioResult RunScenario(std::shared_ptr<const rules::Policy> policy,
                           const rules::ast::Test& test,
                           const ScenarioOptions& options) {
  return ScenarioPlayer(std::move(policy), test, options).Run();
}

TestRun RunTests(const std::shared_ptr<const rules::Policy>& policy,
                 const rules::Sources& sources) {
  TestRun run;
  for (const rules::ast::Test& test : policy->tests()) {
    TestRun::Outcome outcome = RunTest(policy, test, sources);
    ++(outcome.ok ? run.passed : run.failed);
    run.report += outcome.report;
    run.outcomes.push_back(std::move(outcome));
  }
  return run;
}

std::string DescribeFailure(const ScenarioFailure& failure) {
  std::string text =
      absl::StrFormat("  event:    %s\n  expected: %s\n  got:      %s\n",
                      failure.event, failure.expected, failure.got);
  for (const ScenarioEvent::RuleTrace& trace : failure.trace) {
    text += DescribeTrace(trace);
  }
  return text;
}

std::string DescribeTrace(const ScenarioEvent::RuleTrace& trace) {
  std::string out =
      absl::StrFormat("  rule %s %s\n", trace.rule, HoldsText(trace.truth));
  size_t width = 0;
  for (const rules::ConditionTrace& condition : trace.conditions) {
    width = std::max(width, condition.text.size());
  }
  for (const rules::ConditionTrace& condition : trace.conditions) {
    std::string line = absl::StrFormat(
        "    %-9s  %-*s  %s", TruthText(condition.truth),
        static_cast<int>(width), condition.text, condition.values);
    if (!condition.entry.empty()) line += "  " + condition.entry;
    line.erase(line.find_last_not_of(' ') + 1);
    absl::StrAppendFormat(&out, "%s\n", line);
  }
  return out;
}

}  // namespace gate::policy
