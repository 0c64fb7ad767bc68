#include "milter/now_says.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "policy/reconsider.h"

namespace gate::milter {
namespace {

std::string Say(const rules::Policy& policy,
                const policy::DecisionRecord& record,
                const policy::PolicyDescription& words) {
  const policy::Reconsidered now = policy::Reconsider(record, words, policy);
  if (now.rule == nullptr) return "accept: no rule of the policy holds";
  const rules::Rule& rule = *now.rule;
  const std::string by =
      absl::StrFormat("rule %s (%s:%d), at %s", rule.label, rule.file,
                      rule.line, rules::StageName(rule.stage));
  if (now.needs_store) {
    return absl::StrFormat(
        "%s if its limits or bans say so, which were not asked then: %s",
        rules::ActionName(rule.action), by);
  }
  if (rule.code == 0) {
    return absl::StrFormat("%s: %s", rules::ActionName(rule.action), by);
  }
  return absl::StrFormat("%s %d %s: %s", rules::ActionName(rule.action),
                         rule.code, rule.enhanced, by);
}

}  // namespace

NowSays MakeNowSays(std::shared_ptr<const rules::Policy> policy) {
  return [policy = std::move(policy)](
             const policy::DecisionRecord& record,
             const policy::PolicyDescription* words) -> std::string {
    if (words == nullptr) return "the policy of then is not known any more";
    return Say(*policy, record, *words);
  };
}

}  // namespace gate::milter
