#include "rules/parse_declaration.h"

#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"
#include "rules/keywords.h"
#include "rules/parse_expression.h"
#include "rules/quantity.h"

namespace gate::rules {
namespace {

using ast::Literal;

// A word, text or number of `set`; nothing behind its end.
bool ParseSettingValue(TokenReader& reader, bool& found, Literal& out) {
  const Token& token = reader.token();
  const bool word =
      token.kind == TokenKind::kWord && !IsStatementWord(token.text);
  found = word || token.kind == TokenKind::kString ||
          token.kind == TokenKind::kNumber;
  if (!found) return token.kind != TokenKind::kError;
  if (word) {
    out.kind = Literal::Kind::kWord;
    out.text = token.text;
    out.range = token.range;
  } else {
    auto literal = ReadLiteral(token, reader.diagnostics());
    if (!literal) return false;
    out = *std::move(literal);
  }
  reader.Advance();
  return true;
}

// Windows and clauses of one limit.
class LimitParser {
 public:
  LimitParser(TokenReader& reader, ast::Limit& out)
      : reader_(reader), out_(out) {}

  bool Parse() {
    if (!reader_.ReadName(out_.name, "a limit's name")) return false;
    do {
      if (!ParseWindow(out_.windows.emplace_back())) return false;
    } while (reader_.Accept(TokenKind::kComma));
    bool found = true;
    while (found) {
      if (!ParseClause(found)) return false;
    }
    return true;
  }

 private:
  // 200/hour, 10M/hour, 5/10min, 60/min burst 30
  bool ParseWindow(ast::Window& window) {
    const uint32_t begin = reader_.token().range.begin;
    if (!reader_.At(TokenKind::kNumber)) return BadRate();
    const auto amount = ReadLiteral(reader_.token(), reader_.diagnostics());
    if (!amount) return false;
    if (amount->kind == Literal::Kind::kDuration) return BadRate();
    reader_.Advance();
    if (!reader_.Accept(TokenKind::kSlash)) return BadRate();
    window.amount = static_cast<uint64_t>(amount->number);
    window.is_size = amount->kind == Literal::Kind::kSize;
    if (!ParsePeriod(window)) return false;
    window.range = reader_.RangeFrom(begin);
    if (window.amount == 0 || window.period_us == 0) {
      return Zero(window.range, "a rate of nothing");
    }
    return !reader_.AcceptWord("burst") || ParseBurst(window);
  }

  bool ParsePeriod(ast::Window& window) {
    if (reader_.At(TokenKind::kNumber)) {
      const auto period = ReadLiteral(reader_.token(), reader_.diagnostics());
      if (!period) return false;
      if (period->kind != Literal::Kind::kDuration) return BadRate();
      window.period_us = period->number;
    } else {
      const auto period = reader_.At(TokenKind::kWord)
                              ? FindPeriod(reader_.token().text)
                              : std::nullopt;
      if (!period) return BadRate(reader_.token().text);
      window.period_us = *period;
    }
    reader_.Advance();
    return true;
  }

  bool ParseBurst(ast::Window& window) {
    const auto kind =
        window.is_size ? Literal::Kind::kSize : Literal::Kind::kNumber;
    Literal burst;
    if (!reader_.ReadNumber(
            burst, kind,
            window.is_size ? "a size such as `10M`" : "a number")) {
      return false;
    }
    window.burst = static_cast<uint64_t>(burst.number);
    return burst.number > 0 || Zero(burst.range, "a burst of nothing");
  }

  // `unit` is what stands in the place of a period.
  bool BadRate(std::string_view unit = {}) {
    const Token& token = reader_.token();
    if (token.kind == TokenKind::kError) return false;
    const std::string_view near = NearestUnit(unit);
    Diagnostic& fault = reader_.diagnostics().Error(
        DiagnosticId::kBadRate, token.range,
        token.kind == TokenKind::kEnd
            ? std::string("found the end of the file, expected a rate")
            : absl::StrFormat("`%s` makes no rate", token.text));
    fault.help = near.empty()
                     ? "write a rate as `200/hour`, `10M/day` or `5/10min`"
                     : absl::StrFormat("did you mean `%s`?", near);
    return false;
  }

  bool Zero(const SourceRange& range, std::string_view text) {
    reader_.diagnostics()
        .Error(DiagnosticId::kZeroAmount, range, std::string(text))
        .help = "a limit allows at least one; `reject` refuses all";
    return false;
  }

  bool ParseClause(bool& found) {
    if (reader_.AtWord("per")) {
      if (!out_.keys.empty()) return reader_.Duplicate("per");
      return ParseKeys();
    }
    if (reader_.AtWord("counting")) {
      if (out_.unit) return reader_.Duplicate("counting");
      reader_.Advance();
      return reader_.ReadWord(out_.unit.emplace(), "a unit such as `messages`");
    }
    if (reader_.AtWord("outage")) {
      if (out_.outage) return reader_.Duplicate("outage");
      reader_.Advance();
      return reader_.ReadWord(out_.outage.emplace(),
                              "`local`, `accept` or `defer`");
    }
    if (reader_.AtWord("when")) {
      if (out_.when) return reader_.Duplicate("when");
      reader_.Advance();
      return ParseExpression(reader_, out_.when);
    }
    found = false;
    return true;
  }

  // per client.ip prefix 56, rcpt.domain
  bool ParseKeys() {
    do {
      reader_.Advance();
      ast::LimitKey& key = out_.keys.emplace_back();
      if (!reader_.ReadFact(key.fact, "a fact such as `client.network`")) {
        return false;
      }
      if (reader_.AcceptWord("prefix")) {
        Literal bits;
        if (!reader_.ReadNumber(bits, Literal::Kind::kNumber,
                                "a number of bits")) {
          return false;
        }
        key.prefix = bits.number;
      }
    } while (reader_.At(TokenKind::kComma));
    return true;
  }

  TokenReader& reader_;
  ast::Limit& out_;
};

}  // namespace

bool ParseSet(TokenReader& reader, uint32_t begin, ast::Set& out) {
  constexpr std::string_view kExpected = "a setting such as `socket`";
  if (IsStatementWord(reader.token().text)) return reader.Unexpected(kExpected);
  if (!reader.ReadWord(out.key, kExpected)) return false;
  bool values_end = false;
  for (;;) {
    bool found = false;
    Literal value;
    if (!ParseSettingValue(reader, found, value)) return false;
    if (!found) break;
    const bool word = value.kind == Literal::Kind::kWord;
    (values_end ? out.options : out.values).push_back(std::move(value));
    values_end = values_end || !word;
  }
  if (out.values.empty()) {
    return reader.Unexpected(absl::StrFormat("a value for `%s`", out.key.text));
  }
  out.range = reader.RangeFrom(begin);
  return true;
}

bool ParseInclude(TokenReader& reader, uint32_t begin, ast::Include& out) {
  if (!reader.ReadString(out.path, "a file's name in quotes")) return false;
  out.range = reader.RangeFrom(begin);
  return true;
}

bool ParseLet(TokenReader& reader, uint32_t begin, ast::Let& out) {
  if (!reader.ReadName(out.name, "a condition's name") ||
      !reader.Expect(TokenKind::kAssign, "`=`") ||
      !ParseExpression(reader, out.condition)) {
    return false;
  }
  out.range = reader.RangeFrom(begin);
  return true;
}

bool ParseList(TokenReader& reader, uint32_t begin, ast::List& out) {
  if (!reader.ReadName(out.name, "a list's name") ||
      !reader.ReadWord(out.type, "a type such as `domains`")) {
    return false;
  }
  if (reader.At(TokenKind::kLeftBrace)) {
    if (!reader.ReadBraces(out.entries)) return false;
  } else if (reader.AcceptWord("from")) {
    if (!reader.ReadString(out.from_file.emplace(),
                           "a file's name in quotes")) {
      return false;
    }
  } else {
    return reader.Unexpected("`{` or `from`");
  }
  out.range = reader.RangeFrom(begin);
  return true;
}

bool ParseLimit(TokenReader& reader, uint32_t begin, ast::Limit& out) {
  if (!LimitParser(reader, out).Parse()) return false;
  out.range = reader.RangeFrom(begin);
  return true;
}

}  // namespace gate::rules
