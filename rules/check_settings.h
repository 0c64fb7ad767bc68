// `set`: which settings there are, and what values they take.
#pragma once

#include "rules/ast.h"
#include "rules/check_context.h"

namespace gate::rules {

// Each setting, and that none is set twice.
void CheckSettings(CheckContext& context, const ast::Tree& tree);

}  // namespace gate::rules
