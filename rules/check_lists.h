// List declarations, and lists against the facts that are looked up in them.
// Entries are checked where lists are built (compiler.h, BuildList).
#pragma once

#include <optional>
#include <string_view>

#include "rules/ast.h"
#include "rules/check_context.h"
#include "rules/list_table.h"

namespace gate::rules {

std::optional<ListType> FindListType(std::string_view name);

void CheckList(CheckContext& context, const ast::List& list);

// Requires: kInList, the fact and the list are known. Reports a list whose
// type cannot hold the fact's.
void CheckListFits(CheckContext& context, const ast::Expr& expr);

}  // namespace gate::rules
