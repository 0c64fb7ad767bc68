// Conditions: what stands behind `when` and in `let`.
//
//   condition  = test { "and" test } | test { "or" test }
//   test       = "not" test | "(" condition ")" | "over" NAME
//              | "banned" "(" fact ")" | fact [ comparison ]
//   comparison = ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) literal
//              | [ "not" ] "in" ( NAME | NETWORK | "{" literal... "}" )
//              | ( "~" | "!~" ) /pattern/ | [ "not" ] "matches" "glob"
#pragma once

#include "rules/ast.h"
#include "rules/token_reader.h"

namespace gate::rules {

// Deeper nesting is a fault: what reads the tree recurses.
inline constexpr int kMaxNesting = 200;

// False after reporting a fault.
bool ParseExpression(TokenReader& reader, ast::ExprPtr& out);

}  // namespace gate::rules
