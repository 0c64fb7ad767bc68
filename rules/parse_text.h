// Texts of rules: "Blocked: {client.ip}" with its `{fact}` pieces; `{{` and
// `}}` are braces.
#pragma once

#include <optional>

#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/lexer.h"

namespace gate::rules {

// Requires: a token of kind kString. Nothing after reporting a fault.
std::optional<ast::Text> ReadText(const Token& token, Diagnostics& diagnostics);

}  // namespace gate::rules
