#include "rules/parser.h"

#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "rules/check_characters.h"
#include "rules/keywords.h"
#include "rules/parse_declaration.h"
#include "rules/parse_rule.h"
#include "rules/parse_test.h"
#include "rules/token_reader.h"

namespace gate::rules {
namespace {

class StatementParser {
 public:
  StatementParser(TokenReader& reader, ast::Tree& tree)
      : reader_(reader), tree_(tree) {}

  // Keeps the statement in the tree unless it is faulty.
  bool Parse() {
    ast::Name word;
    if (!reader_.ReadWord(word, "a statement such as `list` or `at`")) {
      return false;
    }
    const uint32_t begin = word.range.begin;
    if (word.text == "set") {
      ast::Set set;
      return Keep(ParseSet(reader_, begin, set), set);
    }
    if (word.text == "include") {
      ast::Include include;
      return Keep(ParseInclude(reader_, begin, include), include);
    }
    if (word.text == "let") {
      ast::Let let;
      return Keep(ParseLet(reader_, begin, let), let);
    }
    if (word.text == "list") {
      ast::List list;
      return Keep(ParseList(reader_, begin, list), list);
    }
    if (word.text == "limit") {
      ast::Limit limit;
      return Keep(ParseLimit(reader_, begin, limit), limit);
    }
    if (word.text == "at") {
      ast::Block block;
      return Keep(ParseBlock(reader_, word.range, block), block);
    }
    if (word.text == "test") {
      ast::Test test;
      return Keep(ParseTest(reader_, word.range, test), test);
    }
    return UnknownStatement(word);
  }

 private:
  template <class Statement>
  bool Keep(bool parsed, Statement& statement) {
    if (parsed) tree_.statements.emplace_back(std::move(statement));
    return parsed;
  }

  bool UnknownStatement(const ast::Name& word) {
    Diagnostic& fault = reader_.diagnostics().Error(
        DiagnosticId::kUnknownStatement, word.range,
        absl::StrFormat("unknown statement `%s`", word.text));
    const std::string_view near = NearestName(word.text, StatementWords());
    if (reader_.At(TokenKind::kColon) || FindAction(word.text) ||
        word.text == "shadow") {
      fault.help = "rules stand in a block such as `at rcpt { ... }`";
    } else if (!near.empty()) {
      fault.help = absl::StrFormat("did you mean `%s`?", near);
    } else {
      fault.help = "statements are set, include, let, list, limit, at and test";
    }
    return false;
  }

  TokenReader& reader_;
  ast::Tree& tree_;
};

}  // namespace

ast::Tree Parse(const Sources& sources, FileId file, Diagnostics& diagnostics) {
  ast::Tree tree;
  if (!CheckCharacters(sources, file, diagnostics)) return tree;
  TokenReader reader(sources, file, diagnostics, LexMode::kRules);
  StatementParser parser(reader, tree);
  while (!reader.At(TokenKind::kEnd) && !diagnostics.full()) {
    if (!parser.Parse()) reader.SkipToStatement();
  }
  return tree;
}

ast::Tree ParseSetting(const Sources& sources, FileId file,
                       Diagnostics& diagnostics) {
  ast::Tree tree;
  if (!CheckCharacters(sources, file, diagnostics)) return tree;
  TokenReader reader(sources, file, diagnostics, LexMode::kRules);
  ast::Set set;
  if (!ParseSet(reader, 0, set)) return tree;
  if (!reader.At(TokenKind::kEnd)) {
    reader.Unexpected("the end of the setting");
    return tree;
  }
  tree.statements.emplace_back(std::move(set));
  return tree;
}

ast::Test ParseSteps(const Sources& sources, FileId file,
                     Diagnostics& diagnostics) {
  ast::Test test;
  if (!CheckCharacters(sources, file, diagnostics)) return test;
  TokenReader reader(sources, file, diagnostics, LexMode::kSteps);
  ParseStepLines(reader, test);
  if (!reader.At(TokenKind::kEnd)) reader.Unexpected("a step");
  return test;
}

}  // namespace gate::rules
