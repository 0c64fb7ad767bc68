// Whether two trees say the same: all members but the places in the text and
// what the checker adds.
#pragma once

#include "rules/ast.h"

namespace gate::rules {

bool SameTree(const ast::Tree& a, const ast::Tree& b);

}  // namespace gate::rules
