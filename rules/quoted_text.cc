#include "rules/quoted_text.h"

#include <cassert>

#include "absl/strings/str_format.h"

namespace gate::rules {

std::optional<Unquoted> Unquote(const Token& token, Diagnostics& diagnostics) {
  assert(token.kind == TokenKind::kString);
  constexpr std::string_view kEscapes = "\"\\nt";
  constexpr std::string_view kMeanings = "\"\\\n\t";
  Unquoted out;
  uint32_t i = 1;
  for (; i + 1 < token.text.size(); ++i) {
    out.offsets.push_back(i);
    if (token.text[i] != '\\') {
      out.text += token.text[i];
      continue;
    }
    ++i;
    const size_t escape = kEscapes.find(token.text[i]);
    if (escape == std::string_view::npos) {
      const size_t size = Utf8CharacterSize(token.text.substr(i));
      diagnostics
          .Error(DiagnosticId::kUnknownEscape,
                 SubRange(token.range, i - 1, i + size),
                 absl::StrFormat("unknown escape `\\%s`",
                                 token.text.substr(i, size)))
          .help = "known are `\\\"`, `\\\\`, `\\n` and `\\t`";
      return std::nullopt;
    }
    out.text += kMeanings[escape];
  }
  out.offsets.push_back(i);
  return out;
}

std::string Quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += c;
    }
  }
  return out + "\"";
}

}  // namespace gate::rules
