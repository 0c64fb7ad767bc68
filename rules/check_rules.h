// Rules: what an action may do at its stage, codes and texts, bans.
#pragma once

#include "rules/ast.h"
#include "rules/check_context.h"

namespace gate::rules {

// Reports an unknown stage.
void CheckBlock(CheckContext& context, const ast::Block& block);

// Requires: the conditions are checked, lets are summarised.
void CheckRules(CheckContext& context, ast::Block& block);

// accept, reject, defer, discard, quarantine: ends the stage.
bool DecidesStage(ast::Action::Kind kind);

}  // namespace gate::rules
