// A warning: rules behind rcpt that look at one recipient of several.
#pragma once

#include "rules/ast.h"
#include "rules/check_context.h"

namespace gate::rules {

// At data, headers and message the facts of the recipient are those of the
// last one. Requires: the tree has no errors.
void ReportLastRecipient(CheckContext& context, const ast::Tree& tree);

}  // namespace gate::rules
