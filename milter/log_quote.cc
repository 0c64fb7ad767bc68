#include "milter/log_quote.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "rules/source.h"

namespace gate::milter {
namespace {

bool IsPlain(std::string_view value) {
  for (const char c : value) {
    if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=') {
      return false;
    }
  }
  return !value.empty();
}

void AppendHex(char c, std::string& out) {
  constexpr char kDigits[] = "0123456789abcdef";
  const auto byte = static_cast<uint8_t>(c);
  out.push_back('\\');
  out.push_back('x');
  out.push_back(kDigits[byte >> 4]);
  out.push_back(kDigits[byte & 0xf]);
}

// Inside of quotes.
void AppendEscaped(std::string_view value, std::string& out) {
  while (!value.empty()) {
    const size_t valid = rules::Utf8CharacterSize(value);
    const size_t size = std::max(valid, size_t{1});
    const std::string_view character = value.substr(0, size);
    const bool escape = valid == 0 || !rules::IsHarmless(character);
    for (const char c : character) {
      if (escape) {
        AppendHex(c, out);
        continue;
      }
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
    value.remove_prefix(size);
  }
}

}  // namespace

void AppendLogQuoted(std::string_view value, std::string& out) {
  if (IsPlain(value)) {
    out += value;
    return;
  }
  out.push_back('"');
  AppendEscaped(value, out);
  out.push_back('"');
}

std::string LogQuote(std::string_view value) {
  std::string quoted;
  AppendLogQuoted(value, quoted);
  return quoted;
}

void AppendJsonQuoted(std::string_view value, std::string& out) {
  out += nlohmann::json(std::string(value))
             .dump(-1, ' ', /*ensure_ascii=*/true,
                   nlohmann::json::error_handler_t::replace);
}

}  // namespace gate::milter
