// Sessions: the steps of a `test` block, one a line.
#pragma once

#include "rules/ast.h"
#include "rules/token_reader.h"

namespace gate::rules {

// Behind `test`, whose place is `test`. False when the block's head is faulty
// or it is not closed; faulty steps are reported and left out.
bool ParseTest(TokenReader& reader, const SourceRange& test, ast::Test& out);

// Steps up to `}` or the end of the text, in mode kSteps.
void ParseStepLines(TokenReader& reader, ast::Test& out);

}  // namespace gate::rules
