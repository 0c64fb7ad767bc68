// What happened in a scenario, in words: for reports, `ask` and goldens.
#pragma once

#include <string>

#include "policy/scenario.h"
#include "policy/store.h"
#include "policy/verdict.h"
#include "rules/ast.h"

namespace gate::policy {

// `charge per_user alice: 1 of 200`, `banned client.network 192.0.2.1: no`.
// Requires: answered.
std::string DescribeLookup(const Lookup& lookup);
// `give back 1 to per_user alice`, `ban client.network 192.0.2.1 for 1h`.
std::string DescribeEffect(const Effect& effect);
// `add "X-Gate-Bulk: yes"`.
std::string DescribeEdit(const HeaderEdit& edit);
// `reject 554 by no_relay`, `no header "X-Gate-Bulk"`.
std::string DescribeExpectation(const rules::ast::Expectation& expectation);
// `reject 554 5.7.1 "Relaying denied" by no_relay (kept)`.
std::string DescribeVerdict(const ScenarioEvent& event);

}  // namespace gate::policy
