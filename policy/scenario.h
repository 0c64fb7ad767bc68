// Plays a session (a `test` block, or what `ask` is given) through an Engine
// of its own: fake clock, empty in-memory store, the policy given.
//
// A scenario speaks as an MTA would: it plays the events that SMTP implies
// (DATA before a header, EHLO again after STARTTLS, the end of a message),
// and it does not play what an MTA would not ask about (RCPT after a refused
// MAIL, anything after a 421); an expectation there fails and says why.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rules/ast.h"
#include "rules/policy.h"
#include "rules/source.h"

namespace gate::policy {

// One event and what was decided: copies, for people and JSON.
struct ScenarioEvent {
  const rules::ast::Step* step = nullptr;
  std::string what;  // "rcpt <b@elsewhere.example>"
  rules::Stage stage = rules::Stage::kConnect;
  // False: RSET or the end of a connection, which only give back; no verdict.
  bool decided = true;
  rules::Action action = rules::Action::kAccept;
  uint16_t code = 0;
  std::string enhanced;
  std::string text;
  std::string rule;        // label; empty: none
  std::string rule_place;  // file:line
  bool kept = false;
  bool repeat = false;
  std::string not_given;  // label of a rule whose refusal was only logged
  std::vector<std::string> shadow;   // labels of shadow rules that held
  std::vector<std::string> logged;   // texts of `log` rules
  std::vector<std::string> edits;    // add "X-Gate-Bulk: yes"
  std::vector<std::string> lookups;  // charge per_user alice: 1 of 200
  std::vector<std::string> effects;  // give back 1 to per_user alice
  struct RuleTrace {
    std::string rule;
    rules::Truth truth = rules::Truth::kFalse;
    std::vector<rules::ConditionTrace> conditions;
  };
  std::vector<RuleTrace> trace;  // of every rule tried, if asked for
};

struct ScenarioFailure {
  rules::SourceRange range;  // of the expectation
  std::string event;
  std::string expected;
  std::string got;
  std::vector<ScenarioEvent::RuleTrace> trace;  // of the rules concerned
};

struct ScenarioResult {
  std::vector<ScenarioEvent> events;
  std::vector<ScenarioFailure> failures;
};

struct ScenarioOptions {
  bool trace = false;
};

ScenarioResult RunScenario(std::shared_ptr<const rules::Policy> policy,
                           const rules::ast::Test& test,
                           const ScenarioOptions& options = {});

// All tests of the policy. `report` gets one text per failed test: event,
// expected, got, and each condition with its values.
struct TestRun {
  struct Outcome {
    std::string title;
    bool ok = false;
    std::string report;  // this test's part of the report
  };
  size_t passed = 0;
  size_t failed = 0;
  std::string report;
  std::vector<Outcome> outcomes;  // in the order of the files
};
TestRun RunTests(const std::shared_ptr<const rules::Policy>& policy,
                 const rules::Sources& sources);

// Event, expected, got, and each condition with its values, a line each.
std::string DescribeFailure(const ScenarioFailure& failure);
// The rule and each of its conditions with its values, a line each, indented.
std::string DescribeTrace(const ScenarioEvent::RuleTrace& trace);

}  // namespace gate::policy
