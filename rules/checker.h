// Names, types and stages of a tree: annotates it, reports faults and
// warnings (style S30: one cause, one report). Design.md section 4 is the law.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/fact_set.h"
#include "rules/policy.h"
#include "rules/source.h"

namespace gate::rules {

// The latest thing that a condition waits for; `by` null: nothing.
struct LatestNeed {
  Stage stage = Stage::kConnect;
  const ast::Expr* by = nullptr;
};

// What a named condition needs, lets inside it followed.
struct LetSummary {
  LatestNeed facts;  // the latest fact
  LatestNeed all;    // the latest fact or `over`
  bool asks_over = false;
  bool asks_banned = false;
};

// What the names of a tree mean. Pointers into the tree; index = the id.
struct Symbols {
  std::vector<const ast::List*> lists;    // ListId
  std::vector<const ast::Limit*> limits;  // LimitId
  std::vector<const ast::Let*> lets;      // Expr::resolved_let
  std::vector<LetSummary> let_summaries;  // as lets
  std::vector<std::string> headers;       // HeaderId: names that rules read
  // -1 when there is none.
  int FindList(std::string_view name) const;
  int FindLimit(std::string_view name) const;
  int FindLet(std::string_view name) const;
  int FindHeader(std::string_view name) const;  // ASCII case-insensitive
};

// Requires: a tree without syntax faults, includes spliced in. The symbols
// are of use only when `diagnostics` has no errors afterwards.
Symbols Check(const Sources& sources, ast::Tree& tree,
              Diagnostics& diagnostics);

// The stage from which on all facts and limits of `expr` have an answer (lets
// followed). Requires: annotated.
Stage LatestStage(const ast::Expr& expr, const Symbols& symbols);

// The stage at whose event a unit is charged; kMessage for rejections.
Stage UnitStage(Unit unit);

}  // namespace gate::rules
