#include "tests/rules/match_comparison.h"

#include <map>
#include <memory>
#include <variant>
#include <vector>

#include "absl/strings/str_format.h"
#include "rules/parser.h"
#include "tests/rules/generated_policy.h"
#include "tests/rules/naive_evaluator.h"
#include "tests/rules/policy_text.h"

namespace gate::rules {
namespace {

constexpr int kSessions = 3;

Plain ToPlain(Truth truth) {
  if (truth == Truth::kNeedsStore) return Plain::kMaybe;
  return truth == Truth::kTrue ? Plain::kYes : Plain::kNo;
}

Truth ToTruth(Plain plain) {
  if (plain == Plain::kMaybe) return Truth::kNeedsStore;
  return plain == Plain::kYes ? Truth::kTrue : Truth::kFalse;
}

class Comparison {
 public:
  explicit Comparison(std::string text)
      : text_(std::move(text)), policy_(CompileText(text_)) {
    Diagnostics diagnostics;
    const FileId file = sources_.Add("naive.rules", text_);
    tree_ = Parse(sources_, file, diagnostics);
    AddDeclarations(tree_, world_);
    CollectConditions();
  }

  std::string Run(Choices& choices) {
    for (int session = 0; session < kSessions; ++session) {
      PlainWorld next = world_;
      GenerateWorld(choices, next);
      ApplyWorld(world_, next, *policy_, facts_);
      world_ = std::move(next);
      const std::string difference = CompareSession();
      if (!difference.empty()) return difference + "\n" + text_;
    }
    return "";
  }

 private:
  void CollectConditions() {
    for (const ast::Statement& statement : tree_.statements) {
      if (const auto* limit = std::get_if<ast::Limit>(&statement))
        limits_[limit->name.text] = limit->when.get();
      if (const auto* block = std::get_if<ast::Block>(&statement)) {
        for (const ast::Rule& rule : block->rules)
          rules_[rule.label->text] = rule.when.get();
      }
    }
  }

  std::string CompareSession() {
    PlainWorld without_store = world_;
    for (auto& [name, truth] : without_store.over) truth = Plain::kNo;
    for (auto& [name, truth] : without_store.banned) truth = Plain::kNo;
    std::vector<Truth> over;
    for (const Limit& limit : policy_->limits())
      over.push_back(ToTruth(world_.over.at(limit.name)));
    std::vector<Truth> banned;
    for (const BanKey& key : policy_->ban_keys())
      banned.push_back(ToTruth(world_.banned.at(key.name)));
    const MatchInput input = {
        facts_, *policy_->list_contents(), {over, banned}};
    for (const Rule& rule : policy_->rules()) {
      const ast::Expr& when = *rules_.at(rule.label);
      if (ToPlain(policy_->Holds(rule.id, input, state_)) !=
          Evaluate(when, world_))
        return Describe("Holds", rule.label);
      if (policy_->HoldsWithoutStore(rule.id, input, state_) !=
          (Evaluate(when, without_store) == Plain::kYes))
        return Describe("HoldsWithoutStore", rule.label);
    }
    for (const Limit& limit : policy_->limits()) {
      const ast::Expr* when = limits_.at(limit.name);
      const bool applies =
          when == nullptr || Evaluate(*when, world_) == Plain::kYes;
      if (policy_->Applies(limit.id, input, state_) != applies)
        return Describe("Applies", limit.name);
    }
    return "";
  }

  std::string Describe(std::string_view what, std::string_view name) const {
    std::string text = absl::StrFormat("%s of %s differs with", what, name);
    for (const auto& [fact, value] : world_.facts) {
      absl::StrAppendFormat(&text, "\n  %s", fact);
      if (value.unknown) text += " unknown";
      for (const std::string& part : value.values)
        absl::StrAppendFormat(&text, " \"%s\"", part);
    }
    return text;
  }

  const std::string text_;
  const std::shared_ptr<const Policy> policy_;
  Sources sources_;
  ast::Tree tree_;
  std::map<std::string, const ast::Expr*> rules_;
  std::map<std::string, const ast::Expr*> limits_;  // null: always
  PlainWorld world_;
  FactSet facts_;
  MatchState state_;
};

}  // namespace

std::string CompareMatching(Choices& choices) {
  return Comparison(GeneratePolicy(choices)).Run(choices);
}

}  // namespace gate::rules
