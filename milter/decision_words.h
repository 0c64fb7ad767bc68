// What records of decisions say by number, in the words of their policy. A
// policy that is not known any more is null: then the numbers must do.
#pragma once

#include <string>

#include "policy/decision_record.h"
#include "policy/policy_description.h"

namespace gate::milter {

// Null when it is not known.
const policy::RuleDescription* FindRule(
    rules::RuleId rule, const policy::PolicyDescription* policy);
std::string RuleLabel(rules::RuleId rule,
                      const policy::PolicyDescription* policy);  // "rule 17"
bool IsShadow(const policy::RecordedNote& note,
              const policy::PolicyDescription* policy);

// RFC 3339, UTC, with microseconds: 2026-11-24T05:00:00.123456Z.
std::string TimeText(int64_t wall_us);

}  // namespace gate::milter
