#include "policy/reconsider.h"

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "policy/clock.h"
#include "policy/session_facts.h"

namespace gate::policy {
namespace {

using rules::AcceptScope;
using rules::Action;
using rules::FactId;
using rules::Rule;
using rules::Stage;
using rules::Truth;

Truth TruthOf(AnswerState state) {
  if (state == AnswerState::kOver) return Truth::kTrue;
  return state == AnswerState::kFits ? Truth::kFalse : Truth::kNeedsStore;
}

// The record's answers by the numbers of another policy.
class Answers {
 public:
  Answers(const DecisionRecord& record, const PolicyDescription& words,
          const rules::Policy& policy)
      : over_(policy.limits().size(), Truth::kNeedsStore),
        banned_(policy.ban_keys().size(), Truth::kNeedsStore) {
    for (const RecordedAnswer& recorded : record.answers) {
      const Truth truth = TruthOf(recorded.answer.state);
      if (recorded.limit) {
        Set(truth, NameAt(words.limits, recorded.limit->value), policy.limits(),
            over_);
      } else {
        Set(truth, NameAt(words.ban_keys, recorded.ban_key.value),
            policy.ban_keys(), banned_);
      }
    }
  }
  rules::StoreView view() const { return {over_, banned_}; }

 private:
  static std::string_view NameAt(const std::vector<std::string>& names,
                                 uint32_t index) {
    return index < names.size() ? std::string_view(names[index])
                                : std::string_view();
  }
  template <class Named>
  static void Set(Truth truth, std::string_view name,
                  std::span<const Named> all, std::vector<Truth>& truths) {
    for (size_t i = 0; i < all.size(); ++i) {
      if (all[i].name == name) truths[i] = truth;
    }
  }

  std::vector<Truth> over_;
  std::vector<Truth> banned_;
};

// The record's facts, with headers by the numbers of `policy`.
rules::FactSet FactsFor(const DecisionRecord& record,
                        const PolicyDescription& words,
                        const rules::Policy& policy) {
  rules::FactSet facts = record.facts;
  facts.ResizeHeaders(policy.header_names().size());
  const size_t named =
      std::min<size_t>(record.header_names, words.headers.size());
  for (uint32_t from = 0; from < named; ++from) {
    const auto to = policy.FindHeader(words.headers[from]);
    if (!to) continue;
    for (size_t i = 0; i < record.facts.header_count({from}); ++i) {
      facts.AddHeader(*to, record.facts.header({from}, i));
    }
  }
  SessionFacts(facts).Time(Now{.wall_us = record.wall_us});
  return facts;
}

}  // namespace

Reconsidered Reconsider(const DecisionRecord& record,
                        const PolicyDescription& words,
                        const rules::Policy& policy) {
  const rules::FactSet facts = FactsFor(record, words, policy);
  const Answers answers(record, words, policy);
  rules::MatchState state;
  const rules::MatchInput input{.facts = facts,
                                .lists = *policy.list_contents(),
                                .store = answers.view()};
  bool spared = false;
  for (size_t i = 0; i <= static_cast<size_t>(record.stage); ++i) {
    for (const Rule& rule : policy.rules(static_cast<Stage>(i))) {
      if (spared || rule.shadow || !rules::Decides(rule.action)) continue;
      const Truth truth = policy.Holds(rule.id, input, state);
      if (truth == Truth::kFalse) continue;
      if (truth == Truth::kNeedsStore) {
        return {.rule = &rule, .needs_store = true};
      }
      if (rule.action != Action::kAccept) return {.rule = &rule};
      spared = rule.scope != AcceptScope::kStage;
      break;
    }
  }
  return {};
}

}  // namespace gate::policy
