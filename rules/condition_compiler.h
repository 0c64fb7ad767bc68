// Conditions of the tree to nodes of a Program: lets are followed, `not` is
// pushed inwards to the tests, literals are brought into the normal form that
// facts have.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "rules/ast.h"
#include "rules/checker.h"
#include "rules/policy.h"
#include "rules/program_builder.h"

namespace gate::rules {

// The header that `fact` names; HeaderId{} when it names none.
HeaderId HeaderOf(const ast::FactRef& fact, const Symbols& symbols);

// Ban keys, each once: by fact and prefix.
class BanKeyTable {
 public:
  BanKeyId Intern(const KeyPart& part, std::string name);
  std::vector<BanKey> Take() { return std::move(keys_); }

 private:
  std::vector<BanKey> keys_;
};

// Used once a policy; `symbols` and the tree they point into must outlive it.
class ConditionCompiler {
 public:
  ConditionCompiler(const Symbols& symbols, ProgramBuilder& builder,
                    BanKeyTable& ban_keys);

  // Requires: checked.
  ConditionId Compile(const ast::Expr& expr) {
    return Compile(expr, /*negated=*/false);
  }

  // The tests of `expr` in written order, lets followed, each test of the
  // text once.
  std::vector<const ast::Expr*> Tests(const ast::Expr& expr) const;

 private:
  ConditionId Compile(const ast::Expr& expr, bool negated);
  ConditionId CompileGroup(const ast::Expr& expr, bool negated);
  ConditionId CompileLet(int let, bool negated);
  ConditionId CompileTest(const ast::Expr& expr, bool negated);

  const Symbols& symbols_;
  ProgramBuilder& builder_;
  BanKeyTable& ban_keys_;
  absl::flat_hash_map<std::pair<int, bool>, ConditionId> lets_;
};

}  // namespace gate::rules
