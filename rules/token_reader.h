// What all parts of the parser share: the token under the cursor, the faults
// that are worded the same everywhere, and skipping behind a fault.
//
// The Read functions report and return false; their callers return false at
// once, up to whoever skips to where parsing can go on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/lexer.h"
#include "rules/literal.h"
#include "rules/source.h"

namespace gate::rules {

// Thread-compatible.
class TokenReader {
 public:
  // Begins in `mode`. Requires: CheckCharacters was true.
  TokenReader(const Sources& sources, FileId file, Diagnostics& diagnostics,
              LexMode mode);

  const Token& token() const { return token_; }
  Diagnostics& diagnostics() { return diagnostics_; }

  // The next token is read in `mode`: it depends on what stands before it.
  void Advance(LexMode mode = LexMode::kRules);
  bool At(TokenKind kind) const { return token_.kind == kind; }
  bool AtWord(std::string_view word) const;
  // Whether the word under the cursor is followed by a label's colon.
  bool AtLabel() const;
  // Advances if it is there.
  bool Accept(TokenKind kind, LexMode next = LexMode::kRules);
  bool AcceptWord(std::string_view word, LexMode next = LexMode::kRules);
  // Reports that `expected` is missing if it is not there.
  bool Expect(TokenKind kind, std::string_view expected,
              LexMode next = LexMode::kRules);

  // From `begin` to the end of the last token that was advanced over.
  SourceRange RangeFrom(uint32_t begin) const;

  // Any word, as it stands. `expected` completes "expected ...".
  bool ReadWord(ast::Name& out, std::string_view expected,
                LexMode next = LexMode::kRules);
  // The name of a list, limit, condition or rule that is declared here or
  // asked for: no reserved word, no dots.
  bool ReadName(ast::Name& out, std::string_view expected,
                LexMode next = LexMode::kRules);
  bool CheckName(const ast::Name& name);
  bool ReadString(ast::Literal& out, std::string_view expected,
                  LexMode next = LexMode::kRules);
  bool ReadNumber(ast::Literal& out, ast::Literal::Kind kind,
                  std::string_view expected, LexMode next = LexMode::kRules);
  // client.ip, header["Subject"].
  bool ReadFact(ast::FactRef& out, std::string_view expected);
  // What stands between braces; at `{` when called, behind `}` afterwards.
  bool ReadBraces(std::vector<ast::Literal>& out);

  // Reports "found ..., expected ..." unless the lexer already did; returns
  // false.
  bool Unexpected(std::string_view expected, std::string_view help = {});
  // Reports that a clause was there before; returns false.
  bool Duplicate(std::string_view clause);

  // Up to the next statement, over whole braces.
  void SkipToStatement();
  // Up to the next label, the block's `}` or the next statement.
  void SkipToRule();
  // Up to the end of the line or the block's `}`.
  void SkipLine();

 private:
  std::string Found() const;

  Lexer lexer_;
  Diagnostics& diagnostics_;
  Token token_;
  uint32_t last_end_ = 0;
};

}  // namespace gate::rules
