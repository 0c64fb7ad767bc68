#include "rules/parse_rule.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "rules/keywords.h"
#include "rules/parse_expression.h"
#include "rules/parse_text.h"

namespace gate::rules {
namespace {

using ast::Action;
using Kind = ast::Action::Kind;

// 5.7.1
bool IsEnhancedCode(std::string_view text) {
  const auto digit = [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '.';
  };
  return std::all_of(text.begin(), text.end(), digit) &&
         std::count(text.begin(), text.end(), '.') == 2 &&
         text.find("..") == std::string_view::npos && !text.ends_with('.');
}

class RuleParser {
 public:
  explicit RuleParser(TokenReader& reader) : reader_(reader) {}

  bool Parse(ast::Rule& rule) {
    const uint32_t begin = reader_.token().range.begin;
    ast::Name word{std::string(reader_.token().text), reader_.token().range};
    rule.shadow = reader_.AcceptWord("shadow");
    if (rule.shadow && reader_.At(TokenKind::kColon)) {
      return reader_.CheckName(word);
    }
    if (!reader_.ReadWord(word, "a rule")) return false;
    if (reader_.Accept(TokenKind::kColon)) {
      if (!reader_.CheckName(word)) return false;
      rule.label = std::move(word);
      if (!reader_.ReadWord(word, "an action such as `reject`")) return false;
    }
    if (!ParseAction(rule, word)) return false;
    if (reader_.AcceptWord("when") && !ParseExpression(reader_, rule.when)) {
      return false;
    }
    rule.range = reader_.RangeFrom(begin);
    return CheckEnd(rule);
  }

 private:
  bool ParseAction(ast::Rule& rule, const ast::Name& word) {
    const std::optional<Kind> kind = FindAction(word.text);
    if (!kind) return UnknownAction(rule, word);
    rule.action.kind = *kind;
    if (!ParseOperands(rule.action)) return false;
    rule.action.range = reader_.RangeFrom(word.range.begin);
    return true;
  }

  bool UnknownAction(const ast::Rule& rule, const ast::Name& word) {
    const bool action_follows = reader_.At(TokenKind::kWord) &&
                                FindAction(reader_.token().text).has_value();
    if (!rule.label && action_follows) {
      reader_.diagnostics()
          .Error(DiagnosticId::kLabelWithoutColon, word.range,
                 absl::StrFormat("no colon after the label `%s`", word.text))
          .help =
          absl::StrFormat("write `%s: %s`", word.text, reader_.token().text);
      return false;
    }
    const std::string_view near = NearestName(word.text, ActionWords());
    Diagnostic& fault = reader_.diagnostics().Error(
        DiagnosticId::kUnknownAction, word.range,
        absl::StrFormat("unknown action `%s`", word.text));
    if (word.text == "shadow") {
      fault.help = "`shadow` stands before the label";
    } else if (!near.empty()) {
      fault.help = absl::StrFormat("did you mean `%s`?", near);
    } else {
      fault.help =
          "actions are accept, reject, defer, discard, quarantine, add header, "
          "set header, remove header, log and ban";
    }
    return false;
  }

  bool ParseOperands(Action& action) {
    switch (action.kind) {
      case Kind::kAccept:
        return ParseScope(action);
      case Kind::kReject:
      case Kind::kDefer:
        return ParseReply(action);
      case Kind::kDiscard:
      case Kind::kQuarantine:
        return ParseOptionalText(action);
      case Kind::kAddHeader:
      case Kind::kSetHeader:
      case Kind::kRemoveHeader:
        return ParseHeader(action);
      case Kind::kLog:
        return ParseText(action);
      case Kind::kBan:
        return ParseBan(action);
    }
    return false;
  }

  bool ParseScope(Action& action) {
    if (reader_.AtWord("message") || reader_.AtWord("connection")) {
      return reader_.ReadWord(action.scope.emplace(), "`message`");
    }
    return true;
  }

  // [554] [5.7.1] ["text"]
  bool ParseReply(Action& action) {
    constexpr std::string_view kExpected =
        "a reply such as `554 5.7.1 \"text\"`";
    if (reader_.At(TokenKind::kNumber) && !AtEnhancedCode()) {
      if (!reader_.ReadNumber(action.code.emplace(),
                              ast::Literal::Kind::kNumber, kExpected)) {
        return false;
      }
    }
    if (AtEnhancedCode()) {
      ast::Literal& enhanced = action.enhanced.emplace();
      enhanced.kind = ast::Literal::Kind::kWord;
      enhanced.text = reader_.token().text;
      enhanced.range = reader_.token().range;
      reader_.Advance();
    } else if (reader_.At(TokenKind::kNumber)) {
      return reader_.Unexpected("an enhanced code such as `5.7.1` or a text");
    }
    return ParseOptionalText(action);
  }

  bool AtEnhancedCode() const {
    return reader_.At(TokenKind::kNumber) &&
           IsEnhancedCode(reader_.token().text);
  }

  bool ParseOptionalText(Action& action) {
    return !reader_.At(TokenKind::kString) || ParseText(action);
  }

  bool ParseText(Action& action) {
    if (!reader_.At(TokenKind::kString)) {
      return reader_.Unexpected("a text in quotes");
    }
    action.text = ReadText(reader_.token(), reader_.diagnostics());
    if (!action.text) return false;
    reader_.Advance();
    return true;
  }

  // header "Name" ["text"]
  bool ParseHeader(Action& action) {
    if (!reader_.AcceptWord("header")) {
      const bool set = action.kind == Kind::kSetHeader;
      return reader_.Unexpected(
          "`header`", set ? "a setting stands outside of blocks: is a `}` "
                            "missing before it?"
                          : "");
    }
    if (!reader_.ReadString(action.header.emplace(),
                            "a header's name in quotes")) {
      return false;
    }
    return action.kind == Kind::kRemoveHeader || ParseText(action);
  }

  // FACT [prefix 56] for 1h
  bool ParseBan(Action& action) {
    if (!reader_.ReadFact(action.ban_key, "a fact such as `client.network`")) {
      return false;
    }
    if (reader_.AcceptWord("prefix")) {
      ast::Literal bits;
      if (!reader_.ReadNumber(bits, ast::Literal::Kind::kNumber,
                              "a number of bits")) {
        return false;
      }
      action.ban_prefix = bits.number;
    }
    constexpr std::string_view kExpected = "a duration such as `for 1h`";
    if (!reader_.AcceptWord("for")) return reader_.Unexpected(kExpected);
    if (!reader_.ReadNumber(action.ban_time.emplace(),
                            ast::Literal::Kind::kDuration, kExpected)) {
      return false;
    }
    if (action.ban_time->number > 0) return true;
    reader_.diagnostics().Error(DiagnosticId::kZeroAmount,
                                action.ban_time->range,
                                "a ban that ends at once");
    return false;
  }

  // Whether the next rule or the block's end can begin at the cursor.
  bool CheckEnd(const ast::Rule& rule) {
    if (reader_.AtWord("when")) return reader_.Duplicate("when");
    const Token& token = reader_.token();
    if (token.kind == TokenKind::kEnd || token.kind == TokenKind::kRightBrace) {
      return true;
    }
    if (token.kind == TokenKind::kWord &&
        (token.first_on_line || reader_.AtLabel() || token.text == "shadow" ||
         FindAction(token.text) || IsStatementWord(token.text))) {
      return true;
    }
    if (!rule.when) return reader_.Unexpected("`when` or the next rule");
    return reader_.Unexpected(
        "an operator, `and`, `or` or the next rule",
        "operators are ==, !=, <, <=, >, >=, in, not in, ~, !~, matches and "
        "not matches");
  }

  TokenReader& reader_;
};

}  // namespace

bool ParseBlock(TokenReader& reader, const SourceRange& at, ast::Block& out) {
  if (!reader.ReadWord(out.stage, "a stage such as `rcpt`") ||
      !reader.Expect(TokenKind::kLeftBrace, "`{`")) {
    return false;
  }
  while (!reader.Accept(TokenKind::kRightBrace)) {
    const Token& token = reader.token();
    const bool statement = token.kind == TokenKind::kWord &&
                           IsStatementWord(token.text) &&
                           !FindAction(token.text);
    if (statement || token.kind == TokenKind::kEnd) {
      ReportUnclosedBlock(reader, at);
      return false;
    }
    ast::Rule rule;
    if (RuleParser(reader).Parse(rule)) {
      out.rules.push_back(std::move(rule));
    } else {
      reader.SkipToRule();
    }
  }
  out.range = reader.RangeFrom(at.begin);
  return true;
}

void ReportUnclosedBlock(TokenReader& reader, const SourceRange& at) {
  const bool end = reader.At(TokenKind::kEnd);
  Diagnostic& fault = reader.diagnostics().Error(
      DiagnosticId::kUnclosedBlock, reader.token().range,
      end ? std::string("found the end of the file, expected `}`")
          : absl::StrFormat("found `%s`, expected `}`", reader.token().text));
  fault.notes.push_back({at, "the block begins here"});
}

}  // namespace gate::rules
