// Warnings about whom rules reach: rules that can never run, and strangers
// that are let through.
#pragma once

#include "rules/ast.h"
#include "rules/check_context.h"

namespace gate::rules {

// Warns of rules behind one that always decides their stage.
void ReportUnreachable(CheckContext& context, const ast::Tree& tree);

// Warns of `accept message` and `accept connection` whose condition does not
// prove that the client is known: authenticated, or of a network that the
// policy names. Requires: the tree has no errors.
void ReportStrangers(CheckContext& context, const ast::Tree& tree);

}  // namespace gate::rules
