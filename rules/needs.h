// What a policy needs of the MTA: the least, because each step of the protocol
// that is on costs every message (design.md section 7).
#pragma once

#include "rules/policy.h"
#include "rules/policy_parts.h"

namespace gate::rules {

// Requires: rules, limits, ban keys, settings and program of `parts` filled.
Needs ComputeNeeds(const Policy::Parts& parts);

}  // namespace gate::rules
