// Literals as operands of tests, in the normal form that the fact's values
// have, so that matching compares byte by byte.
#pragma once

#include <span>

#include "rules/ast.h"
#include "rules/facts.h"
#include "rules/list_table.h"
#include "rules/program_builder.h"

namespace gate::rules {

// Requires, for all: checked, the literals fit the fact.
Operand LiteralOperand(const FactInfo& fact, const ast::Literal& literal);
Operand ListOperand(ListId list);
Operand SetOperand(const FactInfo& fact, std::span<const ast::Literal> set);
// Where the fact's values are folded, capital letters of the pattern would
// never match: it looks at no case there, a glob is folded.
Operand RegexOperand(const FactInfo& fact, const ast::Literal& literal);
Operand GlobOperand(const FactInfo& fact, const ast::Literal& literal);

}  // namespace gate::rules
