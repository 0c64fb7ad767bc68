#include "rules/operators.h"

#include <array>

namespace gate::rules {
namespace {

// Longer ones before those they begin with.
constexpr std::array kOperators = {
    Operator{"==", TokenKind::kEqual},
    Operator{"!=", TokenKind::kNotEqual},
    Operator{"<=", TokenKind::kLessEqual},
    Operator{">=", TokenKind::kGreaterEqual},
    Operator{"!~", TokenKind::kNotMatch},
    Operator{"<", TokenKind::kLess},
    Operator{">", TokenKind::kGreater},
    Operator{"~", TokenKind::kMatch},
    Operator{"{", TokenKind::kLeftBrace},
    Operator{"}", TokenKind::kRightBrace},
    Operator{"(", TokenKind::kLeftParen},
    Operator{")", TokenKind::kRightParen},
    Operator{"[", TokenKind::kLeftBracket},
    Operator{"]", TokenKind::kRightBracket},
    Operator{":", TokenKind::kColon},
    Operator{",", TokenKind::kComma},
    Operator{"/", TokenKind::kSlash},
    Operator{"=", TokenKind::kAssign},
};

// What other languages write. `<>` is one only where no mailbox can stand.
constexpr std::array kForeignOperators = {
    ForeignOperator{"===", "=="}, ForeignOperator{"=~", "~"},
    ForeignOperator{"<>", "!="},  ForeignOperator{"&&", "and"},
    ForeignOperator{"||", "or"},  ForeignOperator{"&", "and"},
    ForeignOperator{"|", "or"},   ForeignOperator{"!", "not"},
};

template <class Entry, size_t kSize>
std::optional<Entry> FindIn(const std::array<Entry, kSize>& table,
                            std::string_view text) {
  for (const Entry& entry : table) {
    if (text.starts_with(entry.text)) return entry;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Operator> FindOperator(std::string_view text) {
  return FindIn(kOperators, text);
}

std::optional<ForeignOperator> FindForeignOperator(std::string_view text) {
  if (text.starts_with("!=") || text.starts_with("!~")) return std::nullopt;
  return FindIn(kForeignOperators, text);
}

}  // namespace gate::rules
