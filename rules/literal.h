// The values of tokens: quotes and escapes taken away, units multiplied,
// addresses parsed.
//
// All functions report what is wrong and then return nothing.
#pragma once

#include <cstdint>
#include <optional>

#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/lexer.h"

namespace gate::rules {

// Requires: a token of kind kString, kNumber, kPattern, kMailbox or kAddress.
std::optional<ast::Literal> ReadLiteral(const Token& token,
                                        Diagnostics& diagnostics);

// As ReadLiteral, and bare words of braces and steps: what is spelled like a
// number, size, duration, address or network is one, the rest is kWord.
std::optional<ast::Literal> ReadBareLiteral(const Token& token,
                                            Diagnostics& diagnostics);

// Whether `{1..200}` ranges in the words of steps are sound: first <= last,
// at most kMaxRange numbers.
inline constexpr int64_t kMaxRange = 100'000;
bool CheckRanges(const ast::Literal& literal, Diagnostics& diagnostics);

}  // namespace gate::rules
