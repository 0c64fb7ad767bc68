// `set` statements to Settings.
#pragma once

#include "rules/ast.h"
#include "rules/checker.h"
#include "rules/policy.h"
#include "rules/source.h"

namespace gate::rules {

// Of several statements with one key the last counts: overrides of the command
// line come behind the files. Requires: checked.
Settings CompileSettings(const Sources& sources, const ast::Tree& tree,
                         const Symbols& symbols);

}  // namespace gate::rules
