// What a policy says to decisions that another one made, in one line.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "policy/decision_record.h"
#include "policy/policy_description.h"
#include "rules/policy.h"

namespace gate::milter {

// `words` are those of the policy that decided; null: not known any more.
using NowSays =
    std::function<std::string(const policy::DecisionRecord& record,
                              const policy::PolicyDescription* words)>;
NowSays MakeNowSays(std::shared_ptr<const rules::Policy> policy);

}  // namespace gate::milter
