// Blocks of rules: `at STAGE { [shadow] [label:] action [when condition] ... }`
#pragma once

#include "rules/ast.h"
#include "rules/token_reader.h"

namespace gate::rules {

// Behind `at`, whose place is `at`. False when the block's head is faulty;
// faulty rules are reported and left out.
bool ParseBlock(TokenReader& reader, const SourceRange& at, ast::Block& out);

// A `{` that is not closed at the cursor, of the block that begins at `at`.
void ReportUnclosedBlock(TokenReader& reader, const SourceRange& at);

}  // namespace gate::rules
