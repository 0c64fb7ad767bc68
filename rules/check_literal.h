// Literals against the fact that they are compared with: kind, spelling,
// range.
#pragma once

#include <string>

#include "rules/ast.h"
#include "rules/check_context.h"
#include "rules/facts.h"

namespace gate::rules {

// In braces bare words and networks are literals, too.
enum class LiteralPlace : uint8_t { kCompared, kInBraces };

// Requires: `fact` is resolved and has a value (no flag).
void CheckLiteral(CheckContext& context, const ast::FactRef& fact,
                  const ast::Literal& literal, LiteralPlace place);

// `/re/flags`, and the text of `matches`.
void CheckPattern(CheckContext& context, const ast::Literal& pattern);
void CheckGlob(CheckContext& context, const ast::Literal& glob);

// "a text", "an address", ...
std::string_view LiteralKindName(ast::Literal::Kind kind);
// "a domain", "an address", ...
std::string TypeWithArticle(FactType type);
// The reference as written: client.ip, header["Subject"].
std::string FactText(const ast::FactRef& fact);

}  // namespace gate::rules
