// Sessions of `test` blocks and of `ask`: words and order of their steps.
#pragma once

#include "rules/ast.h"
#include "rules/diagnostic.h"

namespace gate::rules {

// Steps and the form of their expectations: all that needs no policy.
void CheckSteps(const ast::Test& test, Diagnostics& diagnostics);

}  // namespace gate::rules
