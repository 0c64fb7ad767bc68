// Stages: what a condition or a text uses is known where it stands.
#pragma once

#include <string_view>

#include "rules/ast.h"
#include "rules/check_context.h"
#include "rules/facts.h"

namespace gate::rules {

// Where an expression or a text stands.
struct StagePlace {
  Stage stage = Stage::kConnect;
  std::string_view what;  // for messages: "the rule stands"
  bool movable = true;    // could stand in another block
};

// Reports each fact, let and limit that is not known yet, where `expr` names
// it. Requires: `expr` is checked, lets are summarised.
void CheckStages(CheckContext& context, const ast::Expr& expr,
                 const StagePlace& place);
// The same for one fact. False: reported.
bool CheckFactStage(CheckContext& context, const ast::FactRef& fact,
                    const StagePlace& place);

// Reports `over` and `banned`, also those of lets.
void CheckNoStore(CheckContext& context, const ast::Expr& expr);

}  // namespace gate::rules
