// Conditions: names, operators against types, literals. Knows no stage:
// check_stages.h does.
#pragma once

#include "rules/ast.h"
#include "rules/check_context.h"

namespace gate::rules {

void CheckExpression(CheckContext& context, ast::Expr& expr);

}  // namespace gate::rules
