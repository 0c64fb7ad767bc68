#include "rules/condition_compiler.h"

#include <string_view>

#include "absl/container/flat_hash_set.h"
#include "rules/operand.h"

namespace gate::rules {
namespace {

using ast::Expr;

TestKind CompareKind(ast::Compare compare) {
  switch (compare) {
    case ast::Compare::kEqual:
    case ast::Compare::kNotEqual:
      return TestKind::kEqual;
    case ast::Compare::kLess:
      return TestKind::kLess;
    case ast::Compare::kLessEqual:
      return TestKind::kLessEqual;
    case ast::Compare::kGreater:
      return TestKind::kGreater;
    case ast::Compare::kGreaterEqual:
      return TestKind::kGreaterEqual;
  }
  return TestKind::kEqual;
}

TestKind KindOf(const Expr& expr) {
  switch (expr.kind) {
    case Expr::Kind::kCompare:
      return CompareKind(expr.compare);
    case Expr::Kind::kInList:
      return TestKind::kInList;
    case Expr::Kind::kInSet:
      return TestKind::kInSet;
    case Expr::Kind::kRegex:
    case Expr::Kind::kGlob:
      return TestKind::kPattern;
    default:
      return TestKind::kPresent;
  }
}

Operand OperandOf(const Expr& expr, const Symbols& symbols) {
  const FactInfo& fact = Info(*expr.fact.resolved);
  switch (expr.kind) {
    case Expr::Kind::kCompare:
      return LiteralOperand(fact, expr.literals[0]);
    case Expr::Kind::kInList:
      return ListOperand(
          {static_cast<uint32_t>(symbols.FindList(expr.list_name.text))});
    case Expr::Kind::kInSet:
      return SetOperand(fact, expr.literals);
    case Expr::Kind::kRegex:
      return RegexOperand(fact, expr.literals[0]);
    case Expr::Kind::kGlob:
      return GlobOperand(fact, expr.literals[0]);
    default:
      return {};
  }
}

// In written order; each let and each test once.
class TestCollector {
 public:
  explicit TestCollector(const Symbols& symbols) : symbols_(symbols) {}

  void Visit(const Expr& expr) {
    for (const ast::ExprPtr& child : expr.children) Visit(*child);
    if (!expr.children.empty()) return;
    if (expr.resolved_let < 0) {
      tests_.push_back(&expr);
      return;
    }
    const auto let = static_cast<size_t>(expr.resolved_let);
    if (!lets_.insert(let).second) return;
    Visit(*symbols_.lets[let]->condition);
  }
  std::vector<const Expr*> Take() { return std::move(tests_); }

 private:
  const Symbols& symbols_;
  absl::flat_hash_set<size_t> lets_;
  std::vector<const Expr*> tests_;
};

}  // namespace

HeaderId HeaderOf(const ast::FactRef& fact, const Symbols& symbols) {
  if (!fact.index) return {};
  return {static_cast<uint32_t>(symbols.FindHeader(fact.index->text))};
}

BanKeyId BanKeyTable::Intern(const KeyPart& part, std::string name) {
  for (const BanKey& key : keys_) {
    if (key.name == name) return key.id;
  }
  const BanKeyId id = {static_cast<uint32_t>(keys_.size())};
  keys_.push_back({.id = id, .name = std::move(name), .key = part});
  return id;
}

ConditionCompiler::ConditionCompiler(const Symbols& symbols,
                                     ProgramBuilder& builder,
                                     BanKeyTable& ban_keys)
    : symbols_(symbols), builder_(builder), ban_keys_(ban_keys) {}

ConditionId ConditionCompiler::Compile(const Expr& expr, bool negated) {
  switch (expr.kind) {
    case Expr::Kind::kAnd:
    case Expr::Kind::kOr:
      return CompileGroup(expr, negated);
    case Expr::Kind::kNot:
      return Compile(*expr.children[0], !negated);
    case Expr::Kind::kOver: {
      const int limit = symbols_.FindLimit(expr.list_name.text);
      return builder_.AddOver({static_cast<uint32_t>(limit)}, negated);
    }
    case Expr::Kind::kBanned: {
      const KeyPart part = {.fact = *expr.fact.resolved,
                            .header = HeaderOf(expr.fact, symbols_),
                            .prefix = {}};
      const BanKeyId key = ban_keys_.Intern(part, expr.fact.name.text);
      return builder_.AddBanned(key, negated);
    }
    default:
      return expr.resolved_let >= 0 ? CompileLet(expr.resolved_let, negated)
                                    : CompileTest(expr, negated);
  }
}

// De Morgan: a negated `and` is the `or` of its negated parts.
ConditionId ConditionCompiler::CompileGroup(const Expr& expr, bool negated) {
  std::vector<ConditionId> children;
  for (const ast::ExprPtr& child : expr.children)
    children.push_back(Compile(*child, negated));
  const bool is_all = (expr.kind == Expr::Kind::kAnd) != negated;
  return builder_.AddGroup(is_all ? Node::Kind::kAll : Node::Kind::kAny,
                           children);
}

// A let is compiled once a sign: lets that use lets twice would otherwise
// cost 2^depth.
ConditionId ConditionCompiler::CompileLet(int let, bool negated) {
  const auto known = lets_.find({let, negated});
  if (known != lets_.end()) {
    builder_.MarkShared(known->second);
    return known->second;
  }
  const ast::Let& statement = *symbols_.lets[static_cast<size_t>(let)];
  const ConditionId condition = Compile(*statement.condition, negated);
  lets_[{let, negated}] = condition;
  return condition;
}

ConditionId ConditionCompiler::CompileTest(const Expr& expr, bool negated) {
  const bool written_negated =
      expr.negated || (expr.kind == Expr::Kind::kCompare &&
                       expr.compare == ast::Compare::kNotEqual);
  return builder_.AddTest(*expr.fact.resolved, HeaderOf(expr.fact, symbols_),
                          KindOf(expr), OperandOf(expr, symbols_),
                          negated != written_negated);
}

std::vector<const Expr*> ConditionCompiler::Tests(const Expr& expr) const {
  TestCollector collector(symbols_);
  collector.Visit(expr);
  return collector.Take();
}

}  // namespace gate::rules
