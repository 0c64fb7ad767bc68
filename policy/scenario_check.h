// Compares what a scenario decided with what it expects.
#pragma once

#include <string_view>
#include <vector>

#include "policy/scenario.h"
#include "policy/scenario_mta.h"
#include "rules/ast.h"

namespace gate::policy {

// Collects the failures of one scenario. Thread-compatible.
class ScenarioJudge {
 public:
  explicit ScenarioJudge(ScenarioMta& mta) : mta_(mta) {}

  // All expectations of the step against one event; right after it, while
  // the session still has the values that were decided on.
  void Check(const rules::ast::Step& step, const ScenarioEvent& event);
  // The step was not played: every expectation fails.
  void NotPlayed(const rules::ast::Step& step, std::string_view why);
  std::vector<ScenarioFailure>& failures() { return failures_; }

 private:
  void AddTraces(const rules::ast::Expectation& expectation,
                 const ScenarioEvent& event, ScenarioFailure& failure);

  ScenarioMta& mta_;
  std::vector<ScenarioFailure> failures_;
};

}  // namespace gate::policy
