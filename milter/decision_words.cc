#include "milter/decision_words.h"

namespace gate::milter {

const policy::RuleDescription* FindRule(
    rules::RuleId rule, const policy::PolicyDescription* policy) {
  if (policy == nullptr || rule.value >= policy->rules.size()) return nullptr;
  return &policy->rules[rule.value];
}

std::string RuleLabel(rules::RuleId rule,
                      const policy::PolicyDescription* policy) {
  const policy::RuleDescription* found = FindRule(rule, policy);
  return found == nullptr ? "rule " + std::to_string(1 + rule.value)
                          : found->label;
}

bool IsShadow(const policy::RecordedNote& note,
              const policy::PolicyDescription* policy) {
  const policy::RuleDescription* rule = FindRule(note.rule, policy);
  return rule != nullptr && rule->shadow;
}

}  // namespace gate::milter
