#include "milter/story.h"

#include <algorithm>

#include "milter/decision_words.h"
#include "rules/fact_text.h"

namespace gate::milter {
namespace {

using policy::DecisionRecord;
using policy::PolicyDescription;
using policy::RecordedAnswer;
using policy::RecordedNote;
using policy::RuleDescription;
using policy::TestDescription;

std::string ValueOf(const TestDescription& test, const DecisionRecord& record,
                    const PolicyDescription& policy) {
  if (!test.fact) return {};
  const uint32_t header = test.header.value_or(0);
  const bool indexed = rules::Info(*test.fact).indexed;
  // No message had this header: the record has no room for it.
  if (indexed && header >= record.header_names) return "absent";
  const bool named = indexed && header < policy.headers.size();
  return rules::FactText(*test.fact, {header},
                         named ? policy.headers[header] : std::string(),
                         record.facts);
}

std::vector<StoryCondition> Conditions(const DecisionRecord& record,
                                       const PolicyDescription& policy,
                                       const RuleDescription& rule) {
  std::vector<StoryCondition> conditions;
  const size_t count = std::min(record.tests.size(), rule.tests.size());
  for (size_t i = 0; i < count; ++i) {
    const TestDescription& test = rule.tests[i];
    StoryCondition& condition = conditions.emplace_back();
    condition.text = test.text;
    condition.value = ValueOf(test, record, policy);
    condition.truth = record.tests[i].truth;
    const uint32_t line = record.tests[i].entry_line;
    if (line > 0) condition.entry = test.list_file + ':' + std::to_string(line);
  }
  return conditions;
}

// A kept verdict's rules were tried at an earlier stage.
void AddTried(const DecisionRecord& record, const PolicyDescription& policy,
              Story& story) {
  if (record.repeat) return;
  for (uint32_t i = 0; i < policy.rules.size(); ++i) {
    const RuleDescription& rule = policy.rules[i];
    if (record.rule && record.rule->value == i) break;
    if (rule.stage != record.stage) continue;
    const bool held = std::any_of(
        record.notes.begin(), record.notes.end(),
        [i](const RecordedNote& note) { return note.rule.value == i; });
    story.tried.push_back(
        {.label = rule.label, .place = rule.place(), .held = held});
  }
  if (story.tried.size() <= Story::kMostTried) return;
  story.tried_before = story.tried.size() - Story::kMostTried;
  story.tried.erase(
      story.tried.begin(),
      story.tried.begin() + static_cast<std::ptrdiff_t>(story.tried_before));
}

std::string NameAt(const std::vector<std::string>& names, uint32_t index) {
  return index < names.size() ? names[index] : std::to_string(1 + index);
}

// Keys of several facts are joined by NUL.
std::string KeyOf(std::string_view subject) {
  std::string key(subject);
  std::replace(key.begin(), key.end(), '\0', ' ');
  return key;
}

void AddAnswer(const RecordedAnswer& recorded, const PolicyDescription* policy,
               Story& story) {
  static const std::vector<std::string> kNoNames;
  if (recorded.limit) {
    const auto& names = policy == nullptr ? kNoNames : policy->limits;
    story.limits.push_back({.name = NameAt(names, recorded.limit->value),
                            .key = KeyOf(recorded.subject),
                            .answer = recorded.answer});
  } else {
    const auto& names = policy == nullptr ? kNoNames : policy->ban_keys;
    story.bans.push_back({.key = NameAt(names, recorded.ban_key.value),
                          .subject = KeyOf(recorded.subject),
                          .state = recorded.answer.state});
  }
}

}  // namespace

Story MakeStory(const DecisionRecord& record, const PolicyDescription* policy) {
  Story story;
  for (const RecordedAnswer& answer : record.answers) {
    AddAnswer(answer, policy, story);
  }
  if (policy == nullptr) return story;
  AddTried(record, *policy, story);
  const RuleDescription* rule =
      record.rule ? FindRule(*record.rule, policy) : nullptr;
  if (rule != nullptr) story.conditions = Conditions(record, *policy, *rule);
  return story;
}

}  // namespace gate::milter
