// Names: what a tree declares, and what its references mean.
#pragma once

#include <optional>
#include <string_view>

#include "rules/ast.h"
#include "rules/check_context.h"
#include "rules/facts.h"

namespace gate::rules {

// Fills the symbols and the labels; reports doubles and names of facts.
void CollectNames(CheckContext& context, const ast::Tree& tree);

// Each sets what the reference means and marks it as used; reports and
// returns nothing (-1) when there is no such thing.
std::optional<FactId> ResolveFact(CheckContext& context, ast::FactRef& fact);
int ResolveList(CheckContext& context, const ast::Name& name);
int ResolveLimit(CheckContext& context, const ast::Name& name);
// A name alone: a fact's presence or a let.
void ResolveCondition(CheckContext& context, ast::Expr& expr);

// Whether `name` can be a header field's name (RFC 5322 2.2).
bool IsHeaderName(std::string_view name);
// Reports `literal` or an index that is none.
bool CheckHeaderName(CheckContext& context, std::string_view name,
                     const SourceRange& range);

// Warns of lists, limits and lets that nothing refers to.
void ReportUnused(CheckContext& context);

}  // namespace gate::rules
