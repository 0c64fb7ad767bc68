#include "rules/check_lets.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "absl/strings/str_format.h"
#include "rules/check_limits.h"

namespace gate::rules {
namespace {

// More lets inside lets than this are a mistake; later phases recurse.
constexpr size_t kMaxDepth = 100;

// Depth-first over the lets; `path` holds those that are being followed.
class LetWalk {
 public:
  LetWalk(CheckContext& context, std::vector<ast::Let*> lets)
      : context_(context), lets_(std::move(lets)), state_(lets_.size()) {}

  std::vector<size_t> Run() {
    for (size_t i = 0; i < lets_.size(); ++i) Visit(i);
    return std::move(order_);
  }

 private:
  enum class State : uint8_t { kNew, kOnPath, kDone };

  void Visit(size_t let) {
    if (state_[let] != State::kNew) return;
    state_[let] = State::kOnPath;
    path_.push_back(let);
    if (lets_[let]->condition) Follow(*lets_[let]->condition);
    path_.pop_back();
    state_[let] = State::kDone;
    order_.push_back(let);
  }

  void Follow(ast::Expr& expr) {
    for (const ast::ExprPtr& child : expr.children) Follow(*child);
    if (expr.resolved_let < 0) return;
    const auto let = static_cast<size_t>(expr.resolved_let);
    if (state_[let] == State::kOnPath) {
      ReportRing(let, expr);
      expr.resolved_let = -1;
    } else if (path_.size() >= kMaxDepth) {
      context_.diagnostics.Error(
          DiagnosticId::kNestedTooDeep, expr.range,
          absl::StrFormat("more than %d named conditions inside each other",
                          kMaxDepth));
      expr.resolved_let = -1;
    } else {
      Visit(let);
    }
  }

  void ReportRing(size_t let, const ast::Expr& closing) {
    const ast::Name& name = lets_[let]->name;
    Diagnostic& fault = context_.diagnostics.Error(
        DiagnosticId::kRecursiveLet, closing.range,
        absl::StrFormat("%s needs itself", Quoted(name.text)));
    const auto begin = std::find(path_.begin(), path_.end(), let);
    for (auto at = begin; at != path_.end(); ++at) {
      const auto next = at + 1 == path_.end() ? begin : at + 1;
      fault.notes.push_back(
          {lets_[*at]->name.range,
           absl::StrFormat("%s needs %s", Quoted(lets_[*at]->name.text),
                           Quoted(lets_[*next]->name.text))});
    }
  }

  CheckContext& context_;
  std::vector<ast::Let*> lets_;
  std::vector<State> state_;
  std::vector<size_t> path_;
  std::vector<size_t> order_;
};

void Join(LatestNeed& need, const LatestNeed& other) {
  if (other.by && (!need.by || other.stage > need.stage)) need = other;
}

// Facts and what is asked; a limit's stage is left out: it may depend on lets.
LetSummary SummarizeFacts(const ast::Expr& expr, const Symbols& symbols) {
  LetSummary summary;
  const auto join = [&](const LetSummary& other) {
    Join(summary.facts, other.facts);
    summary.asks_over |= other.asks_over;
    summary.asks_banned |= other.asks_banned;
  };
  for (const ast::ExprPtr& child : expr.children) {
    join(SummarizeFacts(*child, symbols));
  }
  if (expr.resolved_let >= 0) {
    join(symbols.let_summaries[static_cast<size_t>(expr.resolved_let)]);
  }
  if (expr.fact.resolved) {
    Join(summary.facts, {Info(*expr.fact.resolved).stage, &expr});
  }
  summary.asks_over |= expr.kind == ast::Expr::Kind::kOver;
  summary.asks_banned |= expr.kind == ast::Expr::Kind::kBanned;
  return summary;
}

LatestNeed LatestOver(const ast::Expr& expr, const Symbols& symbols) {
  LatestNeed need;
  for (const ast::ExprPtr& child : expr.children) {
    Join(need, LatestOver(*child, symbols));
  }
  if (expr.resolved_let >= 0) {
    Join(need,
         symbols.let_summaries[static_cast<size_t>(expr.resolved_let)].all);
  }
  if (expr.kind != ast::Expr::Kind::kOver) return need;
  const int limit = symbols.FindLimit(expr.list_name.text);
  if (limit >= 0) {
    const ast::Limit& node = *symbols.limits[static_cast<size_t>(limit)];
    Join(need, {OverStage(node, symbols), &expr});
  }
  return need;
}

}  // namespace

std::vector<size_t> OrderLets(CheckContext& context, ast::Tree& tree) {
  std::vector<ast::Let*> lets;
  for (ast::Statement& statement : tree.statements) {
    if (auto* let = std::get_if<ast::Let>(&statement)) lets.push_back(let);
  }
  return LetWalk(context, std::move(lets)).Run();
}

void SummarizeLets(Symbols& symbols, std::span<const size_t> order) {
  symbols.let_summaries.resize(symbols.lets.size());
  for (const size_t let : order) {
    const ast::ExprPtr& condition = symbols.lets[let]->condition;
    if (!condition) continue;
    symbols.let_summaries[let] = SummarizeFacts(*condition, symbols);
  }
  for (const size_t let : order) {
    const ast::ExprPtr& condition = symbols.lets[let]->condition;
    if (!condition) continue;
    LetSummary& summary = symbols.let_summaries[let];
    summary.all = summary.facts;
    Join(summary.all, LatestOver(*condition, symbols));
  }
}

LetSummary Summarize(const ast::Expr& expr, const Symbols& symbols) {
  LetSummary summary = SummarizeFacts(expr, symbols);
  summary.all = summary.facts;
  Join(summary.all, LatestOver(expr, symbols));
  return summary;
}

Stage OverStage(const ast::Limit& limit, const Symbols& symbols) {
  const std::optional<Unit> unit =
      limit.unit ? FindUnit(limit.unit->text) : std::nullopt;
  if (!unit) return Stage::kConnect;
  if (*unit != Unit::kRejections) return UnitStage(*unit);
  Stage stage = Stage::kConnect;
  for (const ast::LimitKey& key : limit.keys) {
    if (key.fact.resolved) {
      stage = std::max(stage, Info(*key.fact.resolved).stage);
    }
  }
  if (!limit.when) return stage;
  return std::max(stage, SummarizeFacts(*limit.when, symbols).facts.stage);
}

Stage LatestStage(const ast::Expr& expr, const Symbols& symbols) {
  return Summarize(expr, symbols).all.stage;
}

}  // namespace gate::rules
