#include "rules/lexer.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "rules/ascii.h"
#include "rules/ip_address.h"
#include "rules/operators.h"

namespace gate::rules {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool BeginsWord(char c) { return IsAsciiAlpha(c) || c == '_'; }
bool ContinuesWord(char c) {
  return BeginsWord(c) || IsAsciiDigit(c) || c == '.' || c == '-';
}
bool IsAddressCharacter(char c) {
  return absl::ascii_isxdigit(static_cast<unsigned char>(c)) || c == ':' ||
         c == '.' || c == '/';
}
bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// Whether somebody who wrote `text` meant an address or a network.
bool LooksLikeAddress(std::string_view text) {
  return std::count(text.begin(), text.end(), ':') >= 2 ||
         (IsAsciiDigit(text[0]) &&
          std::count(text.begin(), text.end(), '.') == 3);
}

}  // namespace

Lexer::Lexer(const Sources& sources, FileId file, Diagnostics& diagnostics)
    : text_(sources.file(file).text()), file_(file), diagnostics_(diagnostics) {
  if (text_.starts_with(kByteOrderMark)) offset_ = kByteOrderMark.size();
}

char Lexer::At(uint32_t offset) const {
  return offset < text_.size() ? text_[offset] : '\0';
}

bool Lexer::StartsWith(std::string_view text) const {
  return text_.substr(offset_).starts_with(text);
}

Token Lexer::Make(TokenKind kind, uint32_t end) {
  Token token{kind,
              {file_, offset_, end},
              text_.substr(offset_, end - offset_),
              first_on_line_,
              offset_ > 0 && text_[offset_ - 1] != '\n'};
  offset_ = end;
  first_on_line_ = false;
  return token;
}

// Shown behind the last line that says something.
Token Lexer::MakeEnd() const {
  const size_t last = text_.find_last_not_of(" \t\r\n");
  const auto end = static_cast<uint32_t>(
      last == std::string_view::npos ? text_.size() : last + 1);
  return {TokenKind::kEnd, {file_, end, end}, {}, first_on_line_, true};
}

Token Lexer::Fault(DiagnosticId id, uint32_t end, std::string_view text,
                   std::string_view help) {
  Token token = Make(TokenKind::kError, end);
  if (!quiet_) {
    diagnostics_.Error(id, token.range, std::string(text)).help = help;
  }
  return token;
}

bool Lexer::BeforeLabelColon() const {
  uint32_t next = offset_;
  while (IsBlank(At(next))) ++next;
  const char behind = At(next + 1);
  return At(next) == ':' &&
         (IsBlank(behind) || behind == '\n' || behind == '\0');
}

void Lexer::SkipBlanks(LexMode mode) {
  while (offset_ < text_.size()) {
    const char c = text_[offset_];
    if (c == '\n') {
      if (mode == LexMode::kSteps) return;
      first_on_line_ = true;
      ++offset_;
    } else if (IsBlank(c)) {
      ++offset_;
    } else if (c == '#') {
      offset_ = static_cast<uint32_t>(
          std::min(text_.find('\n', offset_), text_.size()));
    } else if (StartsWith("//") || StartsWith("/*")) {
      // Reported, then taken for the comment that it was meant to be.
      const uint32_t begin = offset_;
      Fault(DiagnosticId::kForeignComment, begin + 2,
            absl::StrFormat("`%s` begins no comment", text_.substr(begin, 2)),
            "comments begin with `#`; a pattern is not empty");
      offset_ = static_cast<uint32_t>(
          std::min(text_.find('\n', offset_), text_.size()));
    } else {
      return;
    }
  }
}

Token Lexer::Next(LexMode mode) {
  SkipBlanks(mode);
  if (offset_ == text_.size()) return MakeEnd();
  const char c = text_[offset_];
  if (c == '\n') {
    Token token = Make(TokenKind::kNewline, offset_ + 1);
    first_on_line_ = true;
    return token;
  }
  if (mode == LexMode::kRules) return NextInRules();
  if (mode == LexMode::kOperand) return NextOperand();
  const Token token = NextBare(mode);
  return IsGlued(token) ? GluedFault() : token;
}

Token Lexer::NextOperand() {
  const char c = text_[offset_];
  if (c == '<') return LexMailbox();
  if (c == '/') return LexPattern();
  Token token;
  return TryAddress(token) ? token : NextInRules();
}

Token Lexer::NextBare(LexMode mode) {
  const char c = text_[offset_];
  if (c == '"') return LexString();
  if (c == '<') return LexMailbox();
  if (c == '/' && mode == LexMode::kBraces) return LexPattern();
  return NextBareWord(mode);
}

// Whether something follows a word or literal without a blank: `"a b"@c` must
// not become two entries.
bool Lexer::IsGlued(const Token& token) const {
  constexpr std::string_view kEnds(" \t\r\n{},\0", 8);
  const bool literal =
      token.kind == TokenKind::kWord || token.kind == TokenKind::kString ||
      token.kind == TokenKind::kMailbox || token.kind == TokenKind::kPattern;
  return literal && kEnds.find(At(offset_)) == std::string_view::npos;
}

Token Lexer::GluedFault() {
  const std::string_view rest = text_.substr(offset_);
  const auto size =
      static_cast<uint32_t>(std::max(Utf8CharacterSize(rest), size_t{1}));
  return Fault(DiagnosticId::kUnexpectedCharacter, offset_ + size,
               absl::StrFormat("found `%s` without a blank before it",
                               rest.substr(0, size)),
               "put a blank there; an address with quotes is written as "
               "`<\"a b\"@example.org>`");
}

Token Lexer::NextInRules() {
  if (At(offset_) == '"') return LexString();
  uint32_t end = offset_;
  if (!ContinuesWord(At(end)) || At(end) == '.' || At(end) == '-') {
    return LexOperator();
  }
  const TokenKind kind =
      IsAsciiDigit(At(end)) ? TokenKind::kNumber : TokenKind::kWord;
  while (ContinuesWord(At(end))) ++end;
  if (kind == TokenKind::kNumber && At(end) == '%') ++end;
  return Make(kind, end);
}

bool Lexer::TryAddress(Token& token) {
  uint32_t end = offset_;
  while (IsAddressCharacter(At(end))) ++end;
  const std::string_view run = text_.substr(offset_, end - offset_);
  if (run.empty()) return false;
  if (!IpPrefix::Parse(run) && !LooksLikeAddress(run)) return false;
  token = Make(TokenKind::kAddress, end);
  return true;
}

// In braces a word ends at a blank, brace, comma or quote; in steps commas
// belong to it, and so does `{...}` without blanks (ranges, macro names).
Token Lexer::NextBareWord(LexMode mode) {
  const bool steps = mode == LexMode::kSteps;
  uint32_t end = offset_;
  while (end < text_.size()) {
    const char c = text_[end];
    if (IsBlank(c) || c == '\n' || c == '"' || c == '}') break;
    if (c == ',' && !steps) break;
    if (c == '{') {
      if (!steps) break;
      const size_t close = text_.find_first_of("{}\" \t\r\n", end + 1);
      if (close == std::string_view::npos || text_[close] != '}') break;
      end = static_cast<uint32_t>(close);
    }
    ++end;
  }
  return end > offset_ ? Make(TokenKind::kWord, end) : LexOperator();
}

Token Lexer::LexString() {
  uint32_t end = offset_ + 1;
  while (end < text_.size() && text_[end] != '\n') {
    if (text_[end] == '"') return Make(TokenKind::kString, end + 1);
    end += text_[end] == '\\' && At(end + 1) != '\n' ? 2 : 1;
  }
  end = std::min(end, static_cast<uint32_t>(text_.size()));
  while (IsBlank(text_[end - 1])) --end;
  return Fault(DiagnosticId::kUnterminatedString, end,
               "this text has no closing `\"`",
               "a text ends on the line where it begins; write `\\\"` for a "
               "quote inside");
}

Token Lexer::LexPattern() {
  uint32_t end = offset_ + 1;
  while (end < text_.size() && text_[end] != '\n') {
    if (text_[end] == '/') {
      ++end;
      while (IsAsciiAlpha(At(end))) ++end;
      return Make(TokenKind::kPattern, end);
    }
    end += text_[end] == '\\' && At(end + 1) != '\n' ? 2 : 1;
  }
  end = std::min(end, static_cast<uint32_t>(text_.size()));
  while (IsBlank(text_[end - 1])) --end;
  return Fault(DiagnosticId::kUnterminatedPattern, end,
               "this pattern has no closing `/`",
               "a pattern ends on the line where it begins; write `\\/` for a "
               "slash inside");
}

Token Lexer::LexMailbox() {
  bool quoted = false;
  uint32_t end = offset_ + 1;
  while (end < text_.size() && text_[end] != '\n') {
    if (text_[end] == '>' && !quoted) {
      return Make(TokenKind::kMailbox, end + 1);
    }
    if (text_[end] == '"') quoted = !quoted;
    end += quoted && text_[end] == '\\' && At(end + 1) != '\n' ? 2 : 1;
  }
  end = std::min(end, static_cast<uint32_t>(text_.size()));
  while (IsBlank(text_[end - 1])) --end;
  return Fault(DiagnosticId::kUnterminatedMailbox, end,
               "this address has no closing `>`",
               "write `<user@example.org>`, or `<>` for the null sender");
}

Token Lexer::LexOperator() {
  const std::string_view rest = text_.substr(offset_);
  if (const auto foreign = FindForeignOperator(rest)) {
    return LexForeign(foreign->text, foreign->fitting);
  }
  if (const auto known = FindOperator(rest)) {
    return Make(known->kind,
                offset_ + static_cast<uint32_t>(known->text.size()));
  }
  return LexUnexpected();
}

Token Lexer::LexForeign(std::string_view found, std::string_view fitting) {
  return Fault(DiagnosticId::kForeignOperator,
               offset_ + static_cast<uint32_t>(found.size()),
               absl::StrFormat("`%s` is no operator here", found),
               absl::StrFormat("write `%s`", fitting));
}

Token Lexer::LexUnexpected() {
  const auto size = static_cast<uint32_t>(
      std::max(Utf8CharacterSize(text_.substr(offset_)), size_t{1}));
  const std::string_view found = text_.substr(offset_, size);
  std::string_view help;
  if (found == ";") help = "statements and rules need no `;`";
  if (found == "'" || found == "\u201c" || found == "\u201d" ||
      found == "\u201e") {
    help = "texts are quoted with `\"`";
  }
  return Fault(DiagnosticId::kUnexpectedCharacter, offset_ + size,
               absl::StrFormat("unexpected character `%s`", found), help);
}

}  // namespace gate::rules
