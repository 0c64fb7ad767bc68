#include "rules/check_stages.h"

#include <string>

#include "absl/strings/str_format.h"
#include "rules/check_lets.h"
#include "rules/check_literal.h"

namespace gate::rules {
namespace {

using Kind = ast::Expr::Kind;

std::string NameOf(const ast::Expr& leaf) {
  if (leaf.kind == Kind::kOver) {
    return absl::StrFormat("`over %s`", leaf.list_name.text);
  }
  return Quoted(FactText(leaf.fact));
}

std::string Help(Stage known, const StagePlace& place) {
  if (!place.movable) return "";
  return absl::StrFormat("move it to `at %s { ... }`", StageName(known));
}

std::string TooEarly(std::string_view name, Stage known,
                     const StagePlace& place) {
  return absl::StrFormat("%s is known from %s on, %s at %s", name,
                         StageName(known), place.what, StageName(place.stage));
}

void ReportLet(CheckContext& context, const ast::Expr& expr,
               const LatestNeed& need, const StagePlace& place) {
  Diagnostic& fault = context.diagnostics.Error(
      need.by->kind == Kind::kOver ? DiagnosticId::kLimitTooEarly
                                   : DiagnosticId::kFactTooEarly,
      expr.range, TooEarly(Quoted(expr.fact.name.text), need.stage, place));
  fault.notes.push_back(
      {need.by->range, absl::StrFormat("it needs %s here", NameOf(*need.by))});
  fault.help = Help(need.stage, place);
}

void ReportOver(CheckContext& context, const ast::Expr& expr, Stage known,
                const StagePlace& place) {
  const int id = context.symbols.FindLimit(expr.list_name.text);
  const ast::Limit& limit = *context.symbols.limits[static_cast<size_t>(id)];
  Diagnostic& fault =
      context.diagnostics.Error(DiagnosticId::kLimitTooEarly, expr.range,
                                TooEarly(NameOf(expr), known, place));
  fault.notes.push_back(
      {limit.name.range,
       absl::StrFormat("the limit counts %s", limit.unit->text)});
  fault.help = Help(known, place);
}

}  // namespace

void CheckStages(CheckContext& context, const ast::Expr& expr,
                 const StagePlace& place) {
  for (const ast::ExprPtr& child : expr.children) {
    CheckStages(context, *child, place);
  }
  if (!expr.children.empty()) return;
  if (expr.fact.resolved) {
    CheckFactStage(context, expr.fact, place);
    return;
  }
  const LatestNeed need = Summarize(expr, context.symbols).all;
  if (!need.by || need.stage <= place.stage) return;
  if (expr.kind == Kind::kOver) {
    ReportOver(context, expr, need.stage, place);
  } else {
    ReportLet(context, expr, need, place);
  }
}

bool CheckFactStage(CheckContext& context, const ast::FactRef& fact,
                    const StagePlace& place) {
  const Stage known = Info(*fact.resolved).stage;
  if (known <= place.stage) return true;
  context.diagnostics
      .Error(DiagnosticId::kFactTooEarly, fact.range,
             TooEarly(Quoted(FactText(fact)), known, place))
      .help = Help(known, place);
  return false;
}

void CheckNoStore(CheckContext& context, const ast::Expr& expr) {
  for (const ast::ExprPtr& child : expr.children) CheckNoStore(context, *child);
  if (!expr.children.empty()) return;
  const LetSummary summary = Summarize(expr, context.symbols);
  if (!summary.asks_over && !summary.asks_banned) return;
  context.diagnostics
      .Error(DiagnosticId::kStoreInWhen, expr.range,
             "the `when` of a limit cannot ask `over` or `banned`")
      .help = "put it into the rule that asks this limit";
}

}  // namespace gate::rules
