// Operators and punctuation, and what other languages write instead.
#pragma once

#include <optional>
#include <string_view>

#include "rules/lexer.h"

namespace gate::rules {

struct Operator {
  std::string_view text;
  TokenKind kind;
};
// The longest one that `text` begins with.
std::optional<Operator> FindOperator(std::string_view text);

struct ForeignOperator {
  std::string_view text;
  std::string_view fitting;  // how it is written here
};
// To be asked first: `<>` is none where a mailbox can stand, and `!` none
// before `=` and `~`.
std::optional<ForeignOperator> FindForeignOperator(std::string_view text);

}  // namespace gate::rules
