#include "rules/token_reader.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "rules/keywords.h"

namespace gate::rules {
namespace {

// More of a token than this says nothing in a message.
constexpr size_t kMaxFound = 40;

// Facts that are called as a word of the language is.
bool IsReservedFact(std::string_view word) {
  return word == "header" || word == "from";
}

}  // namespace

TokenReader::TokenReader(const Sources& sources, FileId file,
                         Diagnostics& diagnostics, LexMode mode)
    : lexer_(sources, file, diagnostics),
      diagnostics_(diagnostics),
      token_(lexer_.Next(mode)) {}

void TokenReader::Advance(LexMode mode) {
  last_end_ = token_.range.end;
  token_ = lexer_.Next(mode);
}

bool TokenReader::AtWord(std::string_view word) const {
  return token_.kind == TokenKind::kWord && token_.text == word;
}

bool TokenReader::AtLabel() const {
  return token_.kind == TokenKind::kWord && lexer_.BeforeLabelColon();
}

bool TokenReader::Accept(TokenKind kind, LexMode next) {
  if (!At(kind)) return false;
  Advance(next);
  return true;
}

bool TokenReader::AcceptWord(std::string_view word, LexMode next) {
  if (!AtWord(word)) return false;
  Advance(next);
  return true;
}

bool TokenReader::Expect(TokenKind kind, std::string_view expected,
                         LexMode next) {
  return Accept(kind, next) || Unexpected(expected);
}

SourceRange TokenReader::RangeFrom(uint32_t begin) const {
  return {token_.range.file, begin, last_end_};
}

bool TokenReader::ReadWord(ast::Name& out, std::string_view expected,
                           LexMode next) {
  if (!At(TokenKind::kWord)) return Unexpected(expected);
  out = {std::string(token_.text), token_.range};
  Advance(next);
  return true;
}

bool TokenReader::ReadName(ast::Name& out, std::string_view expected,
                           LexMode next) {
  return ReadWord(out, expected, next) && CheckName(out);
}

bool TokenReader::CheckName(const ast::Name& name) {
  if (IsReserved(name.text)) {
    diagnostics_
        .Error(DiagnosticId::kReservedName, name.range,
               absl::StrFormat("`%s` is a word of the language", name.text))
        .help =
        absl::StrFormat("choose another name, such as `my_%s`", name.text);
    return false;
  }
  if (name.text.find('.') != std::string::npos) {
    diagnostics_
        .Error(DiagnosticId::kBadName, name.range,
               absl::StrFormat("`%s` is no name", name.text))
        .help = "names consist of letters, digits, `_` and `-`";
    return false;
  }
  return true;
}

bool TokenReader::ReadString(ast::Literal& out, std::string_view expected,
                             LexMode next) {
  if (!At(TokenKind::kString)) return Unexpected(expected);
  auto literal = ReadLiteral(token_, diagnostics_);
  if (!literal) return false;
  out = *std::move(literal);
  Advance(next);
  return true;
}

bool TokenReader::ReadNumber(ast::Literal& out, ast::Literal::Kind kind,
                             std::string_view expected, LexMode next) {
  if (!At(TokenKind::kNumber)) return Unexpected(expected);
  auto literal = ReadLiteral(token_, diagnostics_);
  if (!literal) return false;
  if (literal->kind != kind) return Unexpected(expected);
  out = *std::move(literal);
  Advance(next);
  return true;
}

bool TokenReader::ReadFact(ast::FactRef& out, std::string_view expected) {
  const uint32_t begin = token_.range.begin;
  if (IsReserved(token_.text) && !IsReservedFact(token_.text)) {
    return Unexpected(expected);
  }
  if (!ReadWord(out.name, expected)) return false;
  if (Accept(TokenKind::kLeftBracket)) {
    ast::Literal index;
    if (!ReadString(index, "a header's name in quotes") ||
        !Expect(TokenKind::kRightBracket, "`]`")) {
      return false;
    }
    out.index = {std::move(index.text), index.range};
  }
  out.range = RangeFrom(begin);
  return true;
}

bool TokenReader::ReadBraces(std::vector<ast::Literal>& out) {
  const SourceRange open = token_.range;
  bool comma_reported = false;
  Advance(LexMode::kBraces);
  while (!At(TokenKind::kRightBrace)) {
    if (At(TokenKind::kEnd) || At(TokenKind::kLeftBrace)) {
      Diagnostic& fault = diagnostics_.Error(DiagnosticId::kUnclosedBlock, open,
                                             "this `{` is never closed");
      if (At(TokenKind::kLeftBrace)) {
        fault.notes.push_back({token_.range, "another `{` stands here"});
      }
      return false;
    }
    if (At(TokenKind::kComma)) {
      if (!comma_reported) {
        diagnostics_
            .Error(DiagnosticId::kCommaInBraces, token_.range,
                   "found `,` between braces")
            .help =
            "entries are separated by blanks; quote a text that "
            "contains a comma";
      }
      comma_reported = true;
    } else {
      if (At(TokenKind::kError)) return false;
      auto literal = ReadBareLiteral(token_, diagnostics_);
      if (!literal) return false;
      out.push_back(*std::move(literal));
    }
    Advance(LexMode::kBraces);
  }
  Advance();
  return true;
}

std::string TokenReader::Found() const {
  switch (token_.kind) {
    case TokenKind::kEnd:
      return "the end of the file";
    case TokenKind::kNewline:
      return "the end of the line";
    default:
      break;
  }
  std::string_view text = token_.text;
  if (text.size() <= kMaxFound) return absl::StrFormat("`%s`", text);
  size_t size = kMaxFound;
  while (Utf8CharacterSize(text.substr(size)) == 0) --size;
  return absl::StrFormat("`%s...`", text.substr(0, size));
}

bool TokenReader::Unexpected(std::string_view expected, std::string_view help) {
  if (At(TokenKind::kError)) return false;
  diagnostics_
      .Error(DiagnosticId::kUnexpectedToken, token_.range,
             absl::StrFormat("found %s, expected %s", Found(), expected))
      .help = help;
  return false;
}

bool TokenReader::Duplicate(std::string_view clause) {
  diagnostics_
      .Error(DiagnosticId::kDuplicateClause, token_.range,
             absl::StrFormat("a second `%s`", clause))
      .help = "write it once";
  return false;
}

void TokenReader::SkipToStatement() {
  lexer_.set_quiet(true);
  int depth = 0;
  while (!At(TokenKind::kEnd)) {
    if (At(TokenKind::kLeftBrace)) ++depth;
    if (At(TokenKind::kRightBrace) && depth > 0) --depth;
    const bool statement = At(TokenKind::kWord) && token_.first_on_line &&
                           IsStatementWord(token_.text);
    // What begins a line without indentation is no part of a block, even
    // when a brace is missing.
    const bool outside = depth == 0 || !token_.indented;
    if (statement && outside) break;
    Advance();
  }
  lexer_.set_quiet(false);
}

void TokenReader::SkipToRule() {
  lexer_.set_quiet(true);
  int depth = 0;
  while (!At(TokenKind::kEnd)) {
    if (At(TokenKind::kLeftBrace)) ++depth;
    if (At(TokenKind::kRightBrace) && depth-- == 0) break;
    const bool word = At(TokenKind::kWord) && token_.first_on_line;
    if (word && (IsStatementWord(token_.text) || FindAction(token_.text) ||
                 token_.text == "shadow")) {
      break;
    }
    if (depth == 0 && AtLabel()) break;
    Advance();
  }
  lexer_.set_quiet(false);
}

void TokenReader::SkipLine() {
  lexer_.set_quiet(true);
  while (!At(TokenKind::kEnd) && !At(TokenKind::kNewline) &&
         !At(TokenKind::kRightBrace)) {
    Advance(LexMode::kSteps);
  }
  lexer_.set_quiet(false);
}

}  // namespace gate::rules
