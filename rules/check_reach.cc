#include "rules/check_reach.h"

#include <array>
#include <optional>
#include <variant>
#include <vector>

#include "absl/strings/str_format.h"
#include "rules/check_rules.h"
#include "rules/facts.h"

namespace gate::rules {
namespace {

using Kind = ast::Expr::Kind;

bool AlwaysDecides(const ast::Rule& rule) {
  return !rule.when && !rule.shadow && DecidesStage(rule.action.kind);
}

SourceRange NamePlace(const ast::Rule& rule) {
  return rule.label ? rule.label->range : rule.action.range;
}

// Tells whether a condition can hold only for clients that the site knows.
class KnownClient {
 public:
  explicit KnownClient(const Symbols& symbols)
      : symbols_(symbols),
        lets_{std::vector<std::optional<bool>>(symbols.lets.size()),
              std::vector<std::optional<bool>>(symbols.lets.size())} {}

  // Of `expr`, or of its negation.
  bool Proves(const ast::Expr& expr, bool negated) {
    switch (expr.kind) {
      case Kind::kNot:
        return Proves(*expr.children[0], !negated);
      case Kind::kAnd:
        return negated ? All(expr, negated) : Any(expr, negated);
      case Kind::kOr:
        return negated ? Any(expr, negated) : All(expr, negated);
      case Kind::kName:
        if (expr.resolved_let >= 0) {
          return ProvesLet(static_cast<size_t>(expr.resolved_let), negated);
        }
        return !negated && IsProof(expr);
      case Kind::kCompare:
        return !negated && expr.compare == ast::Compare::kEqual &&
               IsProof(expr);
      default:
        return negated == expr.negated && IsProof(expr);
    }
  }

 private:
  static bool IsProof(const ast::Expr& test) {
    if (!test.fact.resolved || test.kind == Kind::kBanned) return false;
    switch (*test.fact.resolved) {
      case FactId::kAuthUser:
      case FactId::kAuthMethod:
      case FactId::kSessionLocal:
        return true;
      case FactId::kClientIp:
      case FactId::kClientNetwork:
        return test.kind != Kind::kName;
      default:
        return false;
    }
  }

  bool Any(const ast::Expr& expr, bool negated) {
    for (const ast::ExprPtr& child : expr.children) {
      if (Proves(*child, negated)) return true;
    }
    return false;
  }

  bool All(const ast::Expr& expr, bool negated) {
    for (const ast::ExprPtr& child : expr.children) {
      if (!Proves(*child, negated)) return false;
    }
    return true;
  }

  // Once per let: lets may be piled up.
  bool ProvesLet(size_t let, bool negated) {
    std::optional<bool>& known = lets_[negated ? 1 : 0][let];
    if (!known) known = Proves(*symbols_.lets[let]->condition, negated);
    return *known;
  }

  const Symbols& symbols_;
  std::array<std::vector<std::optional<bool>>, 2> lets_;
};

void CheckScope(CheckContext& context, const ast::Rule& rule,
                KnownClient& known) {
  if (rule.action.kind != ast::Action::Kind::kAccept || !rule.action.scope) {
    return;
  }
  if (rule.when && known.Proves(*rule.when, /*negated=*/false)) return;
  context.diagnostics
      .Warning(DiagnosticId::kStrangerAccepted, rule.action.range,
               absl::StrFormat("a stranger can reach `accept %s`: no later "
                               "rule stops it",
                               rule.action.scope->text))
      .help =
      "ask for `auth.user` or for a network of yours, too; `accept` "
      "alone ends only this stage";
}

}  // namespace

void ReportUnreachable(CheckContext& context, const ast::Tree& tree) {
  std::array<const ast::Rule*, kStageCount> decided{};
  std::array<bool, kStageCount> reported{};
  for (const ast::Statement& statement : tree.statements) {
    const auto* block = std::get_if<ast::Block>(&statement);
    const auto stage =
        block ? FindStage(block->stage.text) : std::optional<Stage>();
    if (!stage) continue;
    const auto at = static_cast<size_t>(*stage);
    for (const ast::Rule& rule : block->rules) {
      if (!decided[at]) {
        if (AlwaysDecides(rule)) decided[at] = &rule;
      } else if (!reported[at]) {
        reported[at] = true;
        context.diagnostics
            .Warning(DiagnosticId::kRuleNeverRuns, NamePlace(rule),
                     absl::StrFormat("no rule of %s runs from here on",
                                     StageName(*stage)))
            .notes.push_back({NamePlace(*decided[at]),
                              "this rule has no `when`: it always decides"});
      }
    }
  }
}

void ReportStrangers(CheckContext& context, const ast::Tree& tree) {
  KnownClient known(context.symbols);
  for (const ast::Statement& statement : tree.statements) {
    const auto* block = std::get_if<ast::Block>(&statement);
    if (!block) continue;
    for (const ast::Rule& rule : block->rules) {
      if (!rule.shadow) CheckScope(context, rule, known);
    }
  }
}

}  // namespace gate::rules
