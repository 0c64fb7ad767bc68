// Sessions of `test` blocks and of `ask`: words and order of their steps.
#pragma once

#include "rules/ast.h"
#include "rules/check_context.h"
#include "rules/diagnostic.h"
#include "rules/source.h"

namespace gate::rules {

// Steps and the form of expectations; what needs no policy.
void CheckSteps(const ast::Test& test, Diagnostics& diagnostics);

// That expectations name rules that can do what is expected.
void CheckExpectations(CheckContext& context, const ast::Test& test);

}  // namespace gate::rules
