// What another policy would say to a decision that was recorded.
#pragma once

#include <memory>

#include "policy/decision_record.h"
#include "policy/policy_description.h"
#include "rules/policy.h"

namespace gate::policy {

struct Reconsidered {
  // The first rule that decides, from connect up to the stage of the record;
  // null: none does.
  const rules::Rule* rule = nullptr;
  // Depends on a limit or ban that was not asked about then.
  bool needs_store = false;
};

// `words` are those of the policy that made the record: limits, bans and
// headers are the same ones if they have the same names. Facts that the
// record has not (the body, headers that no rule read then) are absent.
Reconsidered Reconsider(const DecisionRecord& record,
                        const PolicyDescription& words,
                        const rules::Policy& policy);

}  // namespace gate::policy
