// Which facts a rule depends on: to say what a fact that is missing spoils.
#pragma once

#include <vector>

#include "rules/facts.h"
#include "rules/policy.h"
#include "rules/policy_parts.h"

namespace gate::rules {

// `facts`, and those that their values are made with: an address without a
// domain has server.name, rcpt.rejected is counted by rcpt.mailer.
FactBits WithSources(FactBits facts);

// By RuleId: what the rule's condition tests (`let` or not), its text and ban
// name, and what the limits and bans that it asks are about; with sources.
// Requires: rules, limits, ban keys and program of `parts` filled.
std::vector<FactBits> FactsOfRules(const Policy::Parts& parts);

}  // namespace gate::rules
