#include "rules/check_recipient.h"

#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "absl/strings/str_format.h"
#include "rules/check_literal.h"
#include "rules/facts.h"

namespace gate::rules {
namespace {

// Of one recipient, not of the message as rcpt.count is.
bool IsOfRecipient(const ast::FactRef& fact) {
  if (!fact.resolved) return false;
  const FactInfo& info = Info(*fact.resolved);
  return info.stage == Stage::kRcpt && info.id != FactId::kRcptCount &&
         info.id != FactId::kRcptRejected;
}

// Finds facts of a recipient in conditions; each let is followed once.
class RecipientSearch {
 public:
  explicit RecipientSearch(const Symbols& symbols)
      : symbols_(symbols), lets_(symbols.lets.size()) {}

  const ast::FactRef* Find(const ast::Expr& expr) {
    if (IsOfRecipient(expr.fact)) return &expr.fact;
    for (const ast::ExprPtr& child : expr.children) {
      if (const ast::FactRef* found = Find(*child)) return found;
    }
    return expr.resolved_let < 0
               ? nullptr
               : FindInLet(static_cast<size_t>(expr.resolved_let));
  }

  static const ast::FactRef* Find(const ast::Text& text) {
    for (const ast::TextPiece& piece : text.pieces) {
      if (piece.fact && IsOfRecipient(*piece.fact)) return &*piece.fact;
    }
    return nullptr;
  }

 private:
  const ast::FactRef* FindInLet(size_t let) {
    if (!lets_[let]) lets_[let] = Find(*symbols_.lets[let]->condition);
    return *lets_[let];
  }

  const Symbols& symbols_;
  std::vector<std::optional<const ast::FactRef*>> lets_;
};

void CheckRule(CheckContext& context, const ast::Rule& rule, Stage stage,
               RecipientSearch& search,
               std::set<const ast::FactRef*>& reported) {
  const ast::FactRef* fact = rule.when ? search.Find(*rule.when) : nullptr;
  if (!fact && rule.action.text) {
    fact = RecipientSearch::Find(*rule.action.text);
  }
  // A let is used by many rules and written once.
  if (!fact || !reported.insert(fact).second) return;
  context.diagnostics
      .Warning(DiagnosticId::kLastRecipient, fact->range,
               absl::StrFormat("at %s %s is that of the last recipient alone",
                               StageName(stage), Quoted(FactText(*fact))))
      .help = "a message may have several: decide about each at rcpt";
}

}  // namespace

void ReportLastRecipient(CheckContext& context, const ast::Tree& tree) {
  RecipientSearch search(context.symbols);
  std::set<const ast::FactRef*> reported;
  for (const ast::Statement& statement : tree.statements) {
    const auto* block = std::get_if<ast::Block>(&statement);
    if (!block) continue;
    const std::optional<Stage> stage = FindStage(block->stage.text);
    if (!stage || *stage <= Stage::kRcpt) continue;
    for (const ast::Rule& rule : block->rules) {
      CheckRule(context, rule, *stage, search, reported);
    }
  }
}

}  // namespace gate::rules
