// Text to tokens, one at a time: the parser says where it stands, because the
// same bytes are different things there (`dead:` begins a rule, `dead:beef::`
// behind `in` is an address, `.example.org` in braces is a word).
//
// Finds only where tokens begin and end; literal.h reads their values.
#pragma once

#include <cstdint>
#include <string_view>

#include "rules/diagnostic.h"
#include "rules/source.h"

namespace gate::rules {

enum class TokenKind : uint8_t {
  kEnd,
  kError,    // reported already
  kNewline,  // only between steps
  kWord,     // client.ip, reject; in braces and steps any bare word
  kNumber,   // 5, 10M, 0.1%, 5.7.1: begins with a digit
  kString,   // with its quotes
  kPattern,  // with its slashes and flags
  kMailbox,  // with its angle brackets
  kAddress,  // address or network
  kLeftBrace,
  kRightBrace,
  kLeftParen,
  kRightParen,
  kLeftBracket,
  kRightBracket,
  kColon,
  kComma,
  kSlash,
  kAssign,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kMatch,     // ~
  kNotMatch,  // !~
};

enum class LexMode : uint8_t {
  kRules,    // words, numbers, punctuation; newlines are blanks
  kOperand,  // behind an operator: also addresses, mailboxes, patterns
  kBraces,   // bare words, mailboxes, patterns, strings; newlines are blanks
  kSteps,    // as in braces, without patterns; newlines are tokens
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  SourceRange range;
  std::string_view text;  // lives as long as the Sources
  bool first_on_line = false;
  bool indented = true;  // false: no blank before it on its line
};

// Requires: CheckCharacters was true. Thread-compatible.
class Lexer {
 public:
  Lexer(const Sources& sources, FileId file, Diagnostics& diagnostics);

  // kEnd for ever at the end of the text.
  Token Next(LexMode mode);
  // Whether a colon and a blank follow: the token before is a label.
  bool BeforeLabelColon() const;
  // While quiet (skipping to where parsing can go on), nothing is reported.
  void set_quiet(bool quiet) { quiet_ = quiet; }

 private:
  void SkipBlanks(LexMode mode);
  Token NextInRules();
  Token NextOperand();
  Token NextBare(LexMode mode);
  Token NextBareWord(LexMode mode);
  bool IsGlued(const Token& token) const;
  Token GluedFault();
  Token LexString();
  Token LexPattern();
  Token LexMailbox();
  Token LexOperator();
  Token LexForeign(std::string_view found, std::string_view fitting);
  Token LexUnexpected();
  bool TryAddress(Token& token);

  char At(uint32_t offset) const;
  bool StartsWith(std::string_view text) const;
  Token Make(TokenKind kind, uint32_t end);
  Token MakeEnd() const;
  Token Fault(DiagnosticId id, uint32_t end, std::string_view text,
              std::string_view help);

  std::string_view text_;
  FileId file_;
  Diagnostics& diagnostics_;
  uint32_t offset_ = 0;
  bool first_on_line_ = true;
  bool quiet_ = false;
};

}  // namespace gate::rules
