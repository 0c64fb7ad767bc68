// The whole story of one decision: assembled from its record and the words of
// its policy, told as text by `why` and as JSON to the page.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/decision_record.h"
#include "policy/policy_description.h"
#include "rules/policy.h"

namespace gate::milter {

struct StoryCondition {
  std::string text;   // canonical: rcpt.domain not in our_domains
  std::string value;  // rcpt.domain = "y.example"; empty for over
  rules::Truth truth = rules::Truth::kFalse;
  std::string entry;  // "blocked.networks:17"; empty: none was found
};

struct StoryRule {
  std::string label;
  std::string place;  // "policy.rules:31"; empty: not known
  bool held = false;  // without deciding
};

struct StoryLimit {
  std::string name;
  std::string key;  // empty: one bucket for all, or an earlier event's
  policy::Answer answer;
};

struct StoryBan {
  std::string key;
  std::string subject;
  policy::AnswerState state = policy::AnswerState::kNone;
};

// What follows from record and policy; the record itself has the rest.
struct Story {
  std::vector<StoryCondition> conditions;  // of the rule that decided
  // Rules of the stage before the one that decided (all, if none did): the
  // last kMostTried of them.
  static constexpr size_t kMostTried = 20;
  std::vector<StoryRule> tried;
  size_t tried_before = 0;  // rules before those
  std::vector<StoryLimit> limits;
  std::vector<StoryBan> bans;
};

// `policy` is null when it is not known any more.
Story MakeStory(const policy::DecisionRecord& record,
                const policy::PolicyDescription* policy);

// For a terminal, some lines; ends with a line break. `now`, if it is given, is
// what the policy of now says.
std::string TellStory(const policy::DecisionRecord& record,
                      const policy::PolicyDescription* policy,
                      const std::string& now);

}  // namespace gate::milter
