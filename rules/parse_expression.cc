#include "rules/parse_expression.h"

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "rules/keywords.h"

namespace gate::rules {
namespace {

using ast::Expr;
using ast::ExprPtr;

std::optional<ast::Compare> CompareOf(TokenKind kind) {
  switch (kind) {
    case TokenKind::kEqual:
      return ast::Compare::kEqual;
    case TokenKind::kNotEqual:
      return ast::Compare::kNotEqual;
    case TokenKind::kLess:
      return ast::Compare::kLess;
    case TokenKind::kLessEqual:
      return ast::Compare::kLessEqual;
    case TokenKind::kGreater:
      return ast::Compare::kGreater;
    case TokenKind::kGreaterEqual:
      return ast::Compare::kGreaterEqual;
    default:
      return std::nullopt;
  }
}

class ExpressionParser {
 public:
  explicit ExpressionParser(TokenReader& reader) : reader_(reader) {}

  bool ParseCondition(ExprPtr& out) {
    const uint32_t begin = reader_.token().range.begin;
    if (!ParseTest(out)) return false;
    std::optional<ast::Name> first;
    while (reader_.AtWord("and") || reader_.AtWord("or")) {
      ast::Name op;
      ExprPtr operand;
      if (!reader_.ReadWord(op, "`and`") || !CheckMixed(first, op) ||
          !ParseTest(operand)) {
        return false;
      }
      if (!first) Group(op.text == "and", out);
      if (!first) first = std::move(op);
      out->children.push_back(std::move(operand));
      out->range = reader_.RangeFrom(begin);
    }
    return true;
  }

 private:
  static void Group(bool conjunction, ExprPtr& out) {
    auto group = std::make_unique<Expr>();
    group->kind = conjunction ? Expr::Kind::kAnd : Expr::Kind::kOr;
    group->children.push_back(std::move(out));
    out = std::move(group);
  }

  bool CheckMixed(const std::optional<ast::Name>& first, const ast::Name& op) {
    if (!first || first->text == op.text) return true;
    Diagnostic& fault = reader_.diagnostics().Error(
        DiagnosticId::kMixedAndOr, op.range,
        absl::StrFormat("`%s` after `%s` without parentheses", op.text,
                        first->text));
    fault.notes.push_back(
        {first->range, absl::StrFormat("`%s` stands here", first->text)});
    fault.help = "say with parentheses what belongs together";
    return false;
  }

  bool ParseTest(ExprPtr& out) {
    if (depth_ == kMaxNesting) {
      reader_.diagnostics()
          .Error(DiagnosticId::kNestedTooDeep, reader_.token().range,
                 absl::StrFormat("a condition nested more than %d deep",
                                 kMaxNesting))
          .help = "give a part of it a name with `let`";
      return false;
    }
    ++depth_;
    const uint32_t begin = reader_.token().range.begin;
    const bool parsed = ParseTestInside(out);
    --depth_;
    if (parsed && begin < out->range.begin) {
      out->range = reader_.RangeFrom(begin);
    }
    return parsed;
  }

  bool ParseTestInside(ExprPtr& out) {
    const uint32_t begin = reader_.token().range.begin;
    if (reader_.Accept(TokenKind::kLeftParen)) {
      return ParseCondition(out) &&
             reader_.Expect(TokenKind::kRightParen, "`)`");
    }
    auto expr = std::make_unique<Expr>();
    if (!ParseKind(*expr)) return false;
    expr->range = reader_.RangeFrom(begin);
    out = std::move(expr);
    return true;
  }

  bool ParseKind(Expr& expr) {
    if (reader_.AcceptWord("not")) {
      expr.kind = Expr::Kind::kNot;
      return ParseTest(expr.children.emplace_back());
    }
    if (reader_.AcceptWord("over")) {
      expr.kind = Expr::Kind::kOver;
      return reader_.ReadName(expr.list_name, "a limit's name");
    }
    if (reader_.AcceptWord("banned")) {
      expr.kind = Expr::Kind::kBanned;
      return reader_.Expect(TokenKind::kLeftParen, "`(`") &&
             reader_.ReadFact(expr.fact, "a fact such as `client.network`") &&
             reader_.Expect(TokenKind::kRightParen, "`)`");
    }
    return reader_.ReadFact(expr.fact, "a condition") && ParseComparison(expr);
  }

  // Behind a fact or a condition's name.
  bool ParseComparison(Expr& expr) {
    if (const auto compare = CompareOf(reader_.token().kind)) {
      expr.kind = Expr::Kind::kCompare;
      expr.compare = *compare;
      reader_.Advance(LexMode::kOperand);
      return ParseOperand(expr);
    }
    if (reader_.At(TokenKind::kMatch) || reader_.At(TokenKind::kNotMatch)) {
      expr.kind = Expr::Kind::kRegex;
      expr.negated = reader_.At(TokenKind::kNotMatch);
      reader_.Advance(LexMode::kOperand);
      return ParsePattern(expr);
    }
    if (reader_.At(TokenKind::kAssign)) return Assignment();
    expr.negated = reader_.AcceptWord("not");
    if (reader_.AcceptWord("in", LexMode::kOperand)) return ParseIn(expr);
    if (reader_.AcceptWord("matches", LexMode::kOperand)) {
      expr.kind = Expr::Kind::kGlob;
      return reader_.ReadString(expr.literals.emplace_back(),
                                "a text with `*` in quotes");
    }
    if (expr.negated) return reader_.Unexpected("`in` or `matches`");
    expr.kind = Expr::Kind::kName;
    return true;
  }

  bool Assignment() {
    reader_.diagnostics()
        .Error(DiagnosticId::kForeignOperator, reader_.token().range,
               "`=` is no operator here")
        .help = "write `==`";
    return false;
  }

  bool ParseOperand(Expr& expr) {
    const Token& token = reader_.token();
    switch (token.kind) {
      case TokenKind::kWord:
        return UnquotedText(token);
      case TokenKind::kPattern:
        return MisplacedPattern("a pattern cannot be compared",
                                "write `~` or `!~` before a pattern");
      case TokenKind::kString:
      case TokenKind::kNumber:
      case TokenKind::kMailbox:
      case TokenKind::kAddress:
        return TakeLiteral(expr);
      default:
        return reader_.Unexpected("a value");
    }
  }

  bool ParsePattern(Expr& expr) {
    if (reader_.At(TokenKind::kPattern)) return TakeLiteral(expr);
    if (!reader_.At(TokenKind::kString)) {
      return reader_.Unexpected("a pattern such as `/^mail/i`");
    }
    return MisplacedPattern(
        "a text where a pattern is needed",
        "write a pattern as `/.../`, or compare with `matches \"*.glob\"`");
  }

  bool ParseIn(Expr& expr) {
    if (reader_.At(TokenKind::kWord)) {
      expr.kind = Expr::Kind::kInList;
      return reader_.ReadName(expr.list_name, "a list");
    }
    expr.kind = Expr::Kind::kInSet;
    if (reader_.At(TokenKind::kAddress)) return TakeLiteral(expr);
    if (!reader_.At(TokenKind::kLeftBrace)) {
      return reader_.Unexpected("a list, a network or `{`");
    }
    return reader_.ReadBraces(expr.literals) && CheckEntries(expr);
  }

  bool CheckEntries(const Expr& expr) {
    for (const ast::Literal& entry : expr.literals) {
      if (entry.kind != ast::Literal::Kind::kRegex) continue;
      reader_.diagnostics()
          .Error(DiagnosticId::kMisplacedPattern, entry.range,
                 "a pattern in the braces of a condition")
          .help = "write `~ /.../`, or a `list` of type `patterns`";
      return false;
    }
    return true;
  }

  bool TakeLiteral(Expr& expr) {
    auto literal = ReadLiteral(reader_.token(), reader_.diagnostics());
    if (!literal) return false;
    expr.literals.push_back(*std::move(literal));
    reader_.Advance();
    return true;
  }

  bool UnquotedText(const Token& token) {
    reader_.diagnostics()
        .Error(DiagnosticId::kUnquotedText, token.range,
               absl::StrFormat("`%s` is not quoted", token.text))
        .help = absl::StrFormat(
        "write `\"%s\"`; facts are compared with "
        "values, not with facts",
        token.text);
    return false;
  }

  bool MisplacedPattern(std::string_view text, std::string_view help) {
    reader_.diagnostics()
        .Error(DiagnosticId::kMisplacedPattern, reader_.token().range,
               std::string(text))
        .help = help;
    return false;
  }

  TokenReader& reader_;
  int depth_ = 0;
};

}  // namespace

bool ParseExpression(TokenReader& reader, ast::ExprPtr& out) {
  return ExpressionParser(reader).ParseCondition(out);
}

}  // namespace gate::rules
