#include "rules/ast.h"

#include <cstddef>
#include <string_view>

#include "rules/keywords.h"
#include "rules/quantity.h"
#include "rules/quoted_text.h"
#include "rules/step_form.h"

namespace gate::rules::ast {
namespace {

std::string_view CompareText(Compare compare) {
  switch (compare) {
    case Compare::kEqual:
      return "==";
    case Compare::kNotEqual:
      return "!=";
    case Compare::kLess:
      return "<";
    case Compare::kLessEqual:
      return "<=";
    case Compare::kGreater:
      return ">";
    case Compare::kGreaterEqual:
      return ">=";
  }
  return "";
}

std::string Show(const Literal& literal) {
  switch (literal.kind) {
    case Literal::Kind::kString:
      return Quote(literal.text);
    case Literal::Kind::kMailbox:
      return "<" + literal.text + ">";
    case Literal::Kind::kRegex:
      return "/" + literal.text + "/" + literal.flags;
    case Literal::Kind::kWord:
    case Literal::Kind::kNumber:
    case Literal::Kind::kSize:
    case Literal::Kind::kDuration:
    case Literal::Kind::kShare:
    case Literal::Kind::kAddress:
    case Literal::Kind::kNetwork:
      return literal.text;
  }
  return "";
}

std::string Show(const FactRef& fact) {
  std::string out = fact.name.text;
  if (fact.index) out += "[" + Quote(fact.index->text) + "]";
  return out;
}

std::string Show(const Text& text) {
  std::string out;
  for (const TextPiece& piece : text.pieces) {
    if (piece.fact) {
      out += "{" + piece.fact->name.text;
      if (piece.fact->index) out += "[\"" + piece.fact->index->text + "\"]";
      out += "}";
      continue;
    }
    for (const char c : piece.text) {
      out += c;
      if (c == '{' || c == '}') out += c;
    }
  }
  return Quote(out);
}

std::string Braces(const std::vector<Literal>& literals) {
  std::string out = "{ ";
  for (const Literal& literal : literals) out += Show(literal) + " ";
  return out + "}";
}

// Whether `expr` needs parentheses inside a group or behind `not`.
bool IsGroup(const Expr& expr) {
  return expr.kind == Expr::Kind::kAnd || expr.kind == Expr::Kind::kOr;
}
bool IsOneWord(const Expr& expr) {
  return expr.kind == Expr::Kind::kName || expr.kind == Expr::Kind::kOver ||
         expr.kind == Expr::Kind::kBanned || expr.kind == Expr::Kind::kNot;
}

std::string Group(const Expr& expr, std::string_view op) {
  std::string out;
  for (const ExprPtr& child : expr.children) {
    if (!out.empty()) out += op;
    out += IsGroup(*child) ? "(" + Dump(*child) + ")" : Dump(*child);
  }
  return out;
}

// One address or network stands without braces.
std::string ShowSet(const std::vector<Literal>& literals) {
  const bool bare =
      literals.size() == 1 && (literals[0].kind == Literal::Kind::kAddress ||
                               literals[0].kind == Literal::Kind::kNetwork);
  return bare ? Show(literals[0]) : Braces(literals);
}

void Append(std::string_view word, const std::optional<Name>& name,
            std::string& out) {
  if (name) out.append(" ").append(word).append(" ").append(name->text);
}

void AppendAll(const std::vector<Literal>& literals, std::string& out) {
  for (const Literal& literal : literals) out += " " + Show(literal);
}

std::string Show(const Window& window) {
  const auto amount = [&](uint64_t value) {
    return window.is_size ? FormatSize(static_cast<int64_t>(value))
                          : std::to_string(value);
  };
  std::string out =
      amount(window.amount) + "/" + FormatPeriod(window.period_us);
  if (window.burst) out += " burst " + amount(*window.burst);
  return out;
}

std::string Show(const Set& set) {
  std::string out = "set " + set.key.text;
  AppendAll(set.values, out);
  AppendAll(set.options, out);
  return out;
}

std::string Show(const Include& include) {
  return "include " + Show(include.path);
}

std::string Show(const Let& let) {
  return "let " + let.name.text + " = " + Dump(*let.condition);
}

std::string Show(const List& list) {
  return "list " + list.name.text + " " + list.type.text + " " +
         (list.from_file ? "from " + Show(*list.from_file)
                         : Braces(list.entries));
}

std::string Show(const Limit& limit) {
  std::string out = "limit " + limit.name.text + " ";
  for (const Window& window : limit.windows) {
    if (&window != &limit.windows.front()) out += ", ";
    out += Show(window);
  }
  for (const LimitKey& key : limit.keys) {
    out += &key == &limit.keys.front() ? " per " : ", ";
    out += Show(key.fact);
    if (key.prefix) out += " prefix " + std::to_string(*key.prefix);
  }
  Append("counting", limit.unit, out);
  Append("outage", limit.outage, out);
  if (limit.when) out += " when " + Dump(*limit.when);
  return out;
}

std::string Show(const Action& action) {
  std::string out(ActionWord(action.kind));
  if (action.scope) out += " " + action.scope->text;
  if (action.header) out += " header " + Show(*action.header);
  if (action.code) out += " " + Show(*action.code);
  if (action.enhanced) out += " " + Show(*action.enhanced);
  if (action.text) out += " " + Show(*action.text);
  if (action.ban_time) {
    out += " " + Show(action.ban_key);
    if (action.ban_prefix) {
      out += " prefix " + std::to_string(*action.ban_prefix);
    }
    out += " for " + Show(*action.ban_time);
  }
  return out;
}

std::string Show(const Rule& rule) {
  std::string out = rule.shadow ? "shadow " : "";
  if (rule.label) out += rule.label->text + ": ";
  out += Show(rule.action);
  if (rule.when) out += " when " + Dump(*rule.when);
  return out;
}

std::string Show(const Block& block) {
  std::string out = "at " + block.stage.text + " {\n";
  for (const Rule& rule : block.rules) out += "  " + Show(rule) + "\n";
  return out + "}";
}

std::string Show(const Test& test) {
  std::string out = "test " + Show(test.title) + " {\n";
  for (const Step& step : test.steps) {
    out += "  " + Dump(step);
    for (const Expectation& expectation : step.expect) {
      out += " " + Dump(expectation);
    }
    out += "\n";
  }
  return out + "}";
}

}  // namespace

std::string Dump(const Expr& expr) {
  const std::string fact = Show(expr.fact);
  switch (expr.kind) {
    case Expr::Kind::kAnd:
      return Group(expr, " and ");
    case Expr::Kind::kOr:
      return Group(expr, " or ");
    case Expr::Kind::kNot: {
      const std::string inner = Dump(*expr.children[0]);
      return IsOneWord(*expr.children[0]) ? "not " + inner
                                          : "not (" + inner + ")";
    }
    case Expr::Kind::kCompare:
      return fact + " " + std::string(CompareText(expr.compare)) + " " +
             Show(expr.literals[0]);
    case Expr::Kind::kInList:
      return fact + (expr.negated ? " not in " : " in ") + expr.list_name.text;
    case Expr::Kind::kInSet:
      return fact + (expr.negated ? " not in " : " in ") +
             ShowSet(expr.literals);
    case Expr::Kind::kRegex:
      return fact + (expr.negated ? " !~ " : " ~ ") + Show(expr.literals[0]);
    case Expr::Kind::kGlob:
      return fact + (expr.negated ? " not matches " : " matches ") +
             Show(expr.literals[0]);
    case Expr::Kind::kName:
      return Show(expr.fact);
    case Expr::Kind::kOver:
      return "over " + expr.list_name.text;
    case Expr::Kind::kBanned:
      return "banned(" + fact + ")";
  }
  return "";
}

std::string Dump(const Step& step) {
  const StepForm& form = FormOf(step.kind);
  std::string out(form.word);
  if (step.kind == Step::Kind::kNewConnection) out += " connection";
  AppendAll(step.words, out);
  for (const auto& [name, value] : step.options) {
    out += " " + name.text;
    const StepOption* option = FindStepOption(form, name.text);
    if (option == nullptr || !option->is_flag) out += " " + Show(value);
  }
  return out;
}

std::string Dump(const Expectation& expectation) {
  std::string out = expectation.negated ? "expect no" : "expect";
  if (expectation.kind == Expectation::Kind::kHeader) {
    out += " header " + Show(*expectation.header);
    if (expectation.value) out += " " + Show(*expectation.value);
    return out;
  }
  out += " " + expectation.verdict.text;
  if (expectation.code) out += " " + Show(*expectation.code);
  Append("by", expectation.by, out);
  return out;
}

std::string Dump(const Tree& tree) {
  std::string out;
  for (const Statement& statement : tree.statements) {
    out += std::visit([](const auto& node) { return Show(node); }, statement);
    out += "\n";
  }
  return out;
}

}  // namespace gate::rules::ast
