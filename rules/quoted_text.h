// "..." with the escapes \" \\ \n \t, both ways.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/diagnostic.h"
#include "rules/lexer.h"

namespace gate::rules {

// A string without quotes and escapes, and where each byte of it stands in
// the token (with one more entry: where the closing quote stands).
struct Unquoted {
  std::string text;
  std::vector<uint32_t> offsets;
};

// Requires: a token of kind kString. Nothing after reporting an escape that
// there is not.
std::optional<Unquoted> Unquote(const Token& token, Diagnostics& diagnostics);

std::string Quote(std::string_view text);

}  // namespace gate::rules
