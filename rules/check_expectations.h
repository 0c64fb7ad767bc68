// What `expect` asks of a step: verdicts where something is decided, codes that
// go with them, rules that can give them.
#pragma once

#include "rules/ast.h"
#include "rules/check_context.h"
#include "rules/diagnostic.h"

namespace gate::rules {

// The form alone; needs no policy.
void CheckExpectationForms(const ast::Step& step, Diagnostics& diagnostics);

// That expectations name rules that can do what is expected.
void CheckExpectations(CheckContext& context, const ast::Test& test);

}  // namespace gate::rules
