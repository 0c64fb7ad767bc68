// Named conditions: they may use each other in any order, but not in a ring.
// What each needs is found once, so that a pile of lets costs no more than
// its length.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "rules/ast.h"
#include "rules/check_context.h"

namespace gate::rules {

// Reports lets that need themselves or are nested too deep, and cuts the
// reference that does it, so that later checks may follow lets. Returns the
// lets in an order in which each comes after those it uses. Requires:
// conditions are resolved.
std::vector<size_t> OrderLets(CheckContext& context, ast::Tree& tree);

// Fills symbols.let_summaries. Requires: the order of OrderLets.
void SummarizeLets(Symbols& symbols, std::span<const size_t> order);

// What `expr` needs. Requires: let_summaries of the lets it uses.
LetSummary Summarize(const ast::Expr& expr, const Symbols& symbols);

// The stage from which on `over` of the limit has an answer: that of its
// unit's event; for rejections that of its keys and its `when`.
Stage OverStage(const ast::Limit& limit, const Symbols& symbols);

}  // namespace gate::rules
