// Statements that declare: set, include, let, list and limit.
//
// Each function is called behind the statement's word, whose first byte is
// at `begin`, and returns false after reporting a fault.
#pragma once

#include <cstdint>

#include "rules/ast.h"
#include "rules/token_reader.h"

namespace gate::rules {

bool ParseSet(TokenReader& reader, uint32_t begin, ast::Set& out);
bool ParseInclude(TokenReader& reader, uint32_t begin, ast::Include& out);
bool ParseLet(TokenReader& reader, uint32_t begin, ast::Let& out);
bool ParseList(TokenReader& reader, uint32_t begin, ast::List& out);
bool ParseLimit(TokenReader& reader, uint32_t begin, ast::Limit& out);

}  // namespace gate::rules
