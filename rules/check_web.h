// `set metrics` and `set web-password`: where the page and the metrics are
// shown, and to whom.
#pragma once

#include "rules/ast.h"
#include "rules/check_context.h"

namespace gate::rules {

// "127.0.0.1:9554", "[::1]:9554": an address and a port.
void CheckMetrics(CheckContext& context, const ast::Set& set);
// from "file".
void CheckWebPassword(CheckContext& context, const ast::Set& set);
// Other machines are shown nothing without a password.
void CheckWeb(CheckContext& context, const ast::Tree& tree);

// The address of `set metrics` as sockets have it: "inet:9554@127.0.0.1".
// Requires: checked.
std::string MetricsAddress(const ast::Set& set);

}  // namespace gate::rules
