#include "rules/check_expression.h"

#include <optional>
#include <string>

#include "absl/strings/str_format.h"
#include "rules/check_keys.h"
#include "rules/check_lists.h"
#include "rules/check_literal.h"
#include "rules/check_names.h"
#include "rules/facts.h"

namespace gate::rules {
namespace {

bool IsOrdered(FactType type) {
  return type == FactType::kNumber || type == FactType::kSize ||
         type == FactType::kDuration;
}

bool IsTextual(FactType type) {
  return type == FactType::kText || type == FactType::kDomain ||
         type == FactType::kMailbox;
}

bool IsOrder(ast::Compare compare) {
  return compare != ast::Compare::kEqual && compare != ast::Compare::kNotEqual;
}

// An operator that does not fit the fact, and what does.
void ReportOperator(CheckContext& context, const ast::Expr& expr,
                    std::string_view operation, std::string help) {
  const FactType type = Info(*expr.fact.resolved).type;
  context.diagnostics
      .Error(DiagnosticId::kWrongOperator, expr.range,
             absl::StrFormat("%s is %s: %s", Quoted(FactText(expr.fact)),
                             TypeWithArticle(type), operation))
      .help = std::move(help);
}

// A flag has no value; its presence is the test.
bool ReportFlag(CheckContext& context, const ast::Expr& expr) {
  if (Info(*expr.fact.resolved).type != FactType::kFlag) return false;
  ReportOperator(context, expr, "it is there or not",
                 absl::StrFormat("`%s` or `not %s`", expr.fact.name.text,
                                 expr.fact.name.text));
  return true;
}

void CheckCompare(CheckContext& context, const ast::Expr& expr) {
  const FactType type = Info(*expr.fact.resolved).type;
  if (ReportFlag(context, expr)) return;
  if (IsOrder(expr.compare) && !IsOrdered(type)) {
    ReportOperator(context, expr,
                   "only numbers, sizes and durations are less or greater", "");
    return;
  }
  for (const ast::Literal& literal : expr.literals) {
    CheckLiteral(context, expr.fact, literal, LiteralPlace::kCompared);
  }
}

void CheckInSet(CheckContext& context, const ast::Expr& expr) {
  if (ReportFlag(context, expr)) return;
  for (const ast::Literal& literal : expr.literals) {
    CheckLiteral(context, expr.fact, literal, LiteralPlace::kInBraces);
  }
}

std::string PatternHelp(const ast::FactRef& fact) {
  const FactType type = Info(*fact.resolved).type;
  if (IsOrdered(type)) {
    return absl::StrFormat("`%s < %s`", FactText(fact),
                           type == FactType::kSize ? "10M" : "10");
  }
  return absl::StrFormat("`%s in { 192.0.2.0/24 }`", FactText(fact));
}

void CheckPatternTest(CheckContext& context, const ast::Expr& expr) {
  if (ReportFlag(context, expr)) return;
  if (!IsTextual(Info(*expr.fact.resolved).type)) {
    ReportOperator(context, expr, "patterns look at texts",
                   PatternHelp(expr.fact));
    return;
  }
  for (const ast::Literal& literal : expr.literals) {
    if (expr.kind == ast::Expr::Kind::kGlob) {
      CheckGlob(context, literal);
    } else {
      CheckPattern(context, literal);
    }
  }
}

void CheckBanned(CheckContext& context, ast::Expr& expr) {
  if (!ResolveFact(context, expr.fact)) return;
  if (CheckKeyFact(context, expr.fact)) {
    context.asked_bans.push_back(&expr.fact);
  }
}

}  // namespace

void CheckExpression(CheckContext& context, ast::Expr& expr) {
  using Kind = ast::Expr::Kind;
  switch (expr.kind) {
    case Kind::kAnd:
    case Kind::kOr:
    case Kind::kNot:
      for (const ast::ExprPtr& child : expr.children) {
        CheckExpression(context, *child);
      }
      return;
    case Kind::kName:
      return ResolveCondition(context, expr);
    case Kind::kOver:
      ResolveLimit(context, expr.list_name);
      return;
    case Kind::kBanned:
      return CheckBanned(context, expr);
    case Kind::kInList: {
      const int list = ResolveList(context, expr.list_name);
      if (ResolveFact(context, expr.fact) && list >= 0 &&
          !ReportFlag(context, expr)) {
        CheckListFits(context, expr);
      }
      return;
    }
    case Kind::kCompare:
      if (ResolveFact(context, expr.fact)) CheckCompare(context, expr);
      return;
    case Kind::kInSet:
      if (ResolveFact(context, expr.fact)) CheckInSet(context, expr);
      return;
    case Kind::kRegex:
    case Kind::kGlob:
      if (ResolveFact(context, expr.fact)) CheckPatternTest(context, expr);
      return;
  }
}

}  // namespace gate::rules
