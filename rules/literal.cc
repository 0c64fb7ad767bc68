#include "rules/literal.h"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <utility>

#include "absl/strings/str_format.h"
#include "rules/quantity.h"
#include "rules/quoted_text.h"

namespace gate::rules {
namespace {

using ast::Literal;

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
      SubRange(token.range, token.text.size() - unit.size(), token.text.size()),
      absl::StrFormat("unknown unit `%s`", unit));
  const std::string_view near = NearestUnit(unit);
  if (near.empty()) {
    fault.help =
        "sizes end in `K`, `M`, `G` or `T` (powers of 1024), durations in "
        "`s`, `min`, `h`, `d` or `w`";
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

std::optional<Literal> ReadShare(const Token& token, Literal literal,
                                 Diagnostics& diagnostics) {
  const auto share = ParseShare(token.text.substr(0, token.text.size() - 1));
  if (!share) {
    diagnostics
        .Error(DiagnosticId::kBadShare, token.range,
               absl::StrFormat("`%s` is no share", token.text))
        .help =
        "write `1%` or `0.1%`: at most `100%`, with up to four decimals";
    return std::nullopt;
  }
  literal.kind = Literal::Kind::kShare;
  literal.number = *share;
  return literal;
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

// 1..200
bool IsRange(std::string_view text) {
  const size_t dots = text.find("..");
  const Quantity low = ParseQuantity(text.substr(0, dots));
  const Quantity high = ParseQuantity(text.substr(dots + 2));
  const auto plain = [](const Quantity& quantity) {
    return quantity.fault == QuantityFault::kNone && quantity.unit.empty();
  };
  return plain(low) && plain(high) && low.number <= high.number &&
         high.number - low.number < kMaxRange;
}

// A part of the literal's text, where it stands in the source; the whole of a
// string, whose escapes hide that.
SourceRange RangeInside(const Literal& literal, size_t begin, size_t end) {
  switch (literal.kind) {
    case Literal::Kind::kWord:
      return SubRange(literal.range, begin, end);
    case Literal::Kind::kMailbox:
      return SubRange(literal.range, begin + 1, end + 1);
    default:
      return literal.range;
  }
}

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
      if (token.text.ends_with('%')) {
        return ReadShare(token, std::move(literal), diagnostics);
      }
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

bool CheckRanges(const Literal& literal, Diagnostics& diagnostics) {
  const std::string_view text = literal.text;
  size_t open = text.find('{');
  for (; open != std::string_view::npos; open = text.find('{', open + 1)) {
    const size_t close = text.find('}', open);
    if (close == std::string_view::npos) return true;
    const std::string_view inside = text.substr(open + 1, close - open - 1);
    if (inside.find("..") == std::string_view::npos || IsRange(inside)) {
      continue;
    }
    diagnostics
        .Error(DiagnosticId::kBadRange, RangeInside(literal, open, close + 1),
               absl::StrFormat("`{%s}` is no range", inside))
        .help = absl::StrFormat(
        "write `{1..200}`: two numbers, the smaller one first, at most %d "
        "apart",
        kMaxRange - 1);
    return false;
  }
  return true;
}

}  // namespace gate::rules
