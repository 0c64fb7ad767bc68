// The closed tables of words that the language itself uses.
//
// Stages, units, list types and settings are no keywords: they stand where no
// name can stand, and the checker knows them.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "rules/ast.h"

namespace gate::rules {

// Words that no list, limit, condition or rule may be called.
std::span<const std::string_view> ReservedWords();
bool IsReserved(std::string_view word);

// set include let list limit at test
std::span<const std::string_view> StatementWords();
bool IsStatementWord(std::string_view word);

// How actions begin; `add`, `set` and `remove` are followed by `header`.
std::span<const std::string_view> ActionWords();
std::optional<ast::Action::Kind> FindAction(std::string_view word);
std::string_view ActionWord(ast::Action::Kind kind);

}  // namespace gate::rules
