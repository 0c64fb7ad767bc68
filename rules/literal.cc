#include "rules/literal.h"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "rules/quantity.h"

namespace gate::rules {
namespace {

using ast::Literal;

SourceRange Part(const SourceRange& range, size_t begin, size_t end) {
  return {range.file, range.begin + static_cast<uint32_t>(begin),
          range.begin + static_cast<uint32_t>(end)};
}

// A string without quotes and escapes, and where each byte of it stands in
// the token (with one more entry: where the closing quote stands).
struct Unquoted {
  std::string text;
  std::vector<uint32_t> offsets;
};

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
                 Part(token.range, i - 1, i + size),
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

bool CheckQuantity(const Quantity& quantity, const Token& token,
                   Diagnostics& diagnostics) {
  if (quantity.fault == QuantityFault::kNone) return true;
  if (quantity.fault == QuantityFault::kTooLarge) {
    diagnostics.Error(DiagnosticId::kNumberTooLarge, token.range,
                      absl::StrFormat("`%s` is too large", token.text));
    return false;
  }
  const std::string_view unit = quantity.unit;
  Diagnostic& fault = diagnostics.Error(
      DiagnosticId::kUnknownUnit,
      Part(token.range, token.text.size() - unit.size(), token.text.size()),
      absl::StrFormat("unknown unit `%s`", unit));
  const std::string_view near = NearestUnit(unit);
  if (near.empty()) {
    fault.help =
        "sizes end in `K`, `M` or `G` (powers of 1024), durations in `s`, "
        "`min`, `h`, `d` or `w`";
  } else {
    fault.help = absl::StrFormat(
        "write `%s%s`", token.text.substr(0, token.text.size() - unit.size()),
        near);
  }
  return false;
}

void PutQuantity(const Quantity& quantity, Literal& literal) {
  literal.kind = quantity.kind;
  literal.number = quantity.number;
  if (quantity.kind == Literal::Kind::kSize) {
    literal.text = FormatSize(quantity.number);
  } else if (quantity.kind == Literal::Kind::kDuration) {
    literal.text = FormatDuration(quantity.number);
  }
}

// A network of one address is that address.
void PutAddress(const IpPrefix& prefix, Literal& literal) {
  const bool network = prefix.length() < (prefix.is_v4() ? 32 : 128);
  literal.kind = network ? Literal::Kind::kNetwork : Literal::Kind::kAddress;
  literal.prefix = prefix;
  literal.text = network ? prefix.ToString() : prefix.base().ToString();
}

bool CheckHostBits(bool host_bits, const IpPrefix& prefix, const Token& token,
                   Diagnostics& diagnostics) {
  if (!host_bits) return true;
  Diagnostic& fault = diagnostics.Error(
      DiagnosticId::kHostBitsSet, token.range,
      absl::StrFormat("`%s` has bits behind its prefix", token.text));
  fault.help = absl::StrFormat("the network is `%s`, the address `%s`",
                               prefix.ToString(),
                               token.text.substr(0, token.text.find('/')));
  return false;
}

std::optional<Literal> ReadAddress(const Token& token, Literal literal,
                                   Diagnostics& diagnostics) {
  bool host_bits = false;
  const auto prefix = IpPrefix::Parse(token.text, &host_bits);
  if (!prefix) {
    diagnostics.Error(
        DiagnosticId::kBadAddress, token.range,
        absl::StrFormat("`%s` is no address or network", token.text));
    return std::nullopt;
  }
  if (!CheckHostBits(host_bits, *prefix, token, diagnostics)) {
    return std::nullopt;
  }
  PutAddress(*prefix, literal);
  return literal;
}

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' ||
         c == '.' || c == '-';
}

// Finds the `{fact}` pieces of one text.
class TextReader {
 public:
  TextReader(const Token& token, const Unquoted& unquoted,
             Diagnostics& diagnostics)
      : token_(token), unquoted_(unquoted), diagnostics_(diagnostics) {}

  std::optional<ast::Text> Read() {
    ast::Text out;
    out.range = token_.range;
    std::string plain;
    while (pos_ < text().size()) {
      const char c = text()[pos_];
      const bool doubled = pos_ + 1 < text().size() && text()[pos_ + 1] == c;
      if ((c == '{' || c == '}') && doubled) {
        plain += c;
        pos_ += 2;
      } else if (c == '}') {
        Fault(pos_, pos_ + 1, "`}` without `{`",
              "write `}}` for a brace in the text");
        return std::nullopt;
      } else if (c == '{') {
        auto fact = ReadFact();
        if (!fact) return std::nullopt;
        Flush(plain, out);
        out.pieces.push_back({{}, std::move(fact)});
      } else {
        plain += c;
        ++pos_;
      }
    }
    Flush(plain, out);
    return out;
  }

 private:
  const std::string& text() const { return unquoted_.text; }

  SourceRange Range(size_t begin, size_t end) const {
    return Part(token_.range, unquoted_.offsets[begin], unquoted_.offsets[end]);
  }

  static void Flush(std::string& plain, ast::Text& out) {
    if (!plain.empty()) out.pieces.push_back({plain, std::nullopt});
    plain.clear();
  }

  void Fault(size_t begin, size_t end, std::string_view message,
             std::string_view help) {
    diagnostics_
        .Error(DiagnosticId::kBadFactInText, Range(begin, end),
               std::string(message))
        .help = help;
  }

  // At `{`; behind `}` afterwards.
  std::optional<ast::FactRef> ReadFact() {
    const size_t open = pos_++;
    const size_t begin = pos_;
    while (pos_ < text().size() && IsNameCharacter(text()[pos_])) ++pos_;
    ast::FactRef fact;
    fact.name = {text().substr(begin, pos_ - begin), Range(begin, pos_)};
    const bool named = pos_ > begin;
    const bool index_read = named && ReadIndex(fact);
    if (!index_read || pos_ == text().size() || text()[pos_] != '}') {
      Fault(open, std::min(pos_ + 1, text().size()), "`{` begins no fact here",
            "write `{client.ip}` or `{header[\\\"Name\\\"]}` for a fact, `{{` "
            "for a brace in the text");
      return std::nullopt;
    }
    fact.range = Range(begin, pos_);
    ++pos_;
    return fact;
  }

  // ["Name"], if there is one.
  bool ReadIndex(ast::FactRef& fact) {
    constexpr std::string_view kOpen = "[\"";
    constexpr std::string_view kClose = "\"]";
    if (text().compare(pos_, kOpen.size(), kOpen) != 0) return true;
    const size_t begin = pos_ + kOpen.size();
    const size_t end = text().find(kClose, begin);
    if (end == std::string::npos) return false;
    fact.index = {text().substr(begin, end - begin), Range(begin, end)};
    pos_ = end + kClose.size();
    return true;
  }

  const Token& token_;
  const Unquoted& unquoted_;
  Diagnostics& diagnostics_;
  size_t pos_ = 0;
};

}  // namespace

std::optional<Literal> ReadLiteral(const Token& token,
                                   Diagnostics& diagnostics) {
  Literal literal;
  literal.range = token.range;
  literal.text = token.text;
  switch (token.kind) {
    case TokenKind::kString: {
      auto unquoted = Unquote(token, diagnostics);
      if (!unquoted) return std::nullopt;
      literal.text = std::move(unquoted->text);
      return literal;
    }
    case TokenKind::kNumber: {
      const Quantity quantity = ParseQuantity(token.text);
      if (!CheckQuantity(quantity, token, diagnostics)) return std::nullopt;
      PutQuantity(quantity, literal);
      return literal;
    }
    case TokenKind::kPattern: {
      const size_t close = token.text.rfind('/');
      literal.kind = Literal::Kind::kRegex;
      literal.text = token.text.substr(1, close - 1);
      literal.flags = token.text.substr(close + 1);
      return literal;
    }
    case TokenKind::kMailbox:
      literal.kind = Literal::Kind::kMailbox;
      literal.text = token.text.substr(1, token.text.size() - 2);
      return literal;
    default:
      assert(token.kind == TokenKind::kAddress);
      return ReadAddress(token, std::move(literal), diagnostics);
  }
}

std::optional<Literal> ReadBareLiteral(const Token& token,
                                       Diagnostics& diagnostics) {
  if (token.kind != TokenKind::kWord) return ReadLiteral(token, diagnostics);
  Literal literal;
  literal.kind = Literal::Kind::kWord;
  literal.text = token.text;
  literal.range = token.range;
  const Quantity quantity = ParseQuantity(token.text);
  if (quantity.fault == QuantityFault::kNone) {
    PutQuantity(quantity, literal);
    return literal;
  }
  bool host_bits = false;
  const auto prefix = IpPrefix::Parse(token.text, &host_bits);
  if (!prefix) return literal;
  if (!CheckHostBits(host_bits, *prefix, token, diagnostics)) {
    return std::nullopt;
  }
  PutAddress(*prefix, literal);
  return literal;
}

std::optional<ast::Text> ReadText(const Token& token,
                                  Diagnostics& diagnostics) {
  const auto unquoted = Unquote(token, diagnostics);
  if (!unquoted) return std::nullopt;
  return TextReader(token, *unquoted, diagnostics).Read();
}

bool CheckRanges(const Literal& literal, Diagnostics& diagnostics) {
  size_t open = literal.text.find('{');
  for (; open != std::string::npos; open = literal.text.find('{', open + 1)) {
    const std::string_view rest = std::string_view(literal.text).substr(open);
    const size_t dots = rest.find("..");
    const size_t close = rest.find('}');
    if (dots == std::string_view::npos || close == std::string_view::npos ||
        dots > close) {
      continue;
    }
    const Quantity low = ParseQuantity(rest.substr(1, dots - 1));
    const Quantity high =
        ParseQuantity(rest.substr(dots + 2, close - dots - 2));
    const bool numbers = low.fault == QuantityFault::kNone &&
                         high.fault == QuantityFault::kNone &&
                         low.unit.empty() && high.unit.empty();
    if (numbers && low.number <= high.number &&
        high.number - low.number < kMaxRange) {
      continue;
    }
    diagnostics
        .Error(DiagnosticId::kBadRange, literal.range,
               absl::StrFormat("`%s` is no range", rest.substr(0, close + 1)))
        .help = absl::StrFormat(
        "write `{1..200}`: two numbers, the smaller one first, at most %d "
        "apart",
        kMaxRange);
    return false;
  }
  return true;
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
