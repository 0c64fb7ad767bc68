// `set socket` and `set control`: forms of addresses, mode, group and name;
// whether several sockets go together.
#pragma once

#include "rules/ast.h"
#include "rules/check_context.h"

namespace gate::rules {

// unix:/path, inet:port[@host], inet6:port[@host], fd:number.
// Requires: one value.
void CheckSocket(CheckContext& context, const ast::Set& set);
// No two of one address or name; several need the native door. Fills
// context.sockets and context.listeners.
void CheckSockets(CheckContext& context, const ast::Tree& tree);
// unix:/path only: who may reload must be decided by file modes.
void CheckControl(CheckContext& context, const ast::Set& set);

}  // namespace gate::rules
