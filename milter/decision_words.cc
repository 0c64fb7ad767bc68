#include "milter/decision_words.h"

#include <ctime>

#include "absl/strings/str_format.h"

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

std::string TimeText(int64_t wall_us) {
  const std::time_t seconds = wall_us / 1'000'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return absl::StrFormat(
      "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", utc.tm_year + 1900, utc.tm_mon + 1,
      utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, wall_us % 1'000'000);
}

}  // namespace gate::milter
