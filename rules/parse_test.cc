#include "rules/parse_test.h"

#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"
#include "rules/keywords.h"
#include "rules/parse_rule.h"
#include "rules/step_form.h"

namespace gate::rules {
namespace {

using ast::Expectation;
using ast::Literal;
using ast::Step;

constexpr LexMode kSteps = LexMode::kSteps;

class StepParser {
 public:
  StepParser(TokenReader& reader, ast::Test& test)
      : reader_(reader), test_(test) {}

  // One line.
  bool ParseLine() {
    const uint32_t begin = reader_.token().range.begin;
    ast::Name word;
    if (!reader_.ReadWord(word, "a step such as `client`", kSteps)) {
      return false;
    }
    if (word.text == "expect") {
      if (test_.steps.empty()) return ExpectWithoutStep(word);
      return ParseExpectations(begin, test_.steps.back());
    }
    const StepForm* form = FindStepForm(word.text);
    if (form == nullptr) return UnknownStep(word);
    Step step;
    step.kind = form->kind;
    if (!ParseWords(*form, step)) return false;
    step.range = reader_.RangeFrom(begin);
    const uint32_t expect = reader_.token().range.begin;
    if (reader_.AcceptWord("expect", kSteps) &&
        !ParseExpectations(expect, step)) {
      return false;
    }
    test_.steps.push_back(std::move(step));
    return true;
  }

 private:
  bool AtLineEnd() const {
    return reader_.At(TokenKind::kNewline) || reader_.At(TokenKind::kEnd) ||
           reader_.At(TokenKind::kRightBrace);
  }

  bool ExpectWithoutStep(const ast::Name& word) {
    reader_.diagnostics()
        .Error(DiagnosticId::kExpectWithoutStep, word.range,
               "`expect` without a step before it")
        .help =
        "it says what the step on its line, or on the line above, "
        "brings about";
    return false;
  }

  bool UnknownStep(const ast::Name& word) {
    const std::string_view near = NearestName(word.text, StepWords());
    Diagnostic& fault = reader_.diagnostics().Error(
        DiagnosticId::kUnknownStep, word.range,
        absl::StrFormat("unknown step `%s`", word.text));
    if (!near.empty()) {
      fault.help = absl::StrFormat("did you mean `%s`?", near);
    } else {
      fault.help =
          "steps are client, helo, tls, auth, macros, mail, rcpt, data, "
          "header, body, after, new connection, rset and expect";
    }
    return false;
  }

  bool ParseWords(const StepForm& form, Step& step) {
    if (step.kind == Step::Kind::kNewConnection &&
        !reader_.AcceptWord("connection", kSteps)) {
      return reader_.Unexpected("`connection`");
    }
    while (!AtLineEnd() && !reader_.AtWord("expect")) {
      const StepOption* option =
          reader_.At(TokenKind::kWord)
              ? FindStepOption(form, reader_.token().text)
              : nullptr;
      if (option != nullptr) {
        if (!ParseOption(*option, step)) return false;
      } else if (!ParsePositional(form, step)) {
        return false;
      }
    }
    const bool pairs = step.kind == Step::Kind::kMacros;
    if (step.words.size() < form.min_words ||
        (pairs && step.words.size() % 2 != 0)) {
      return reader_.Unexpected(form.usage);
    }
    return true;
  }

  bool ParseOption(const StepOption& option, Step& step) {
    auto& [name, value] = step.options.emplace_back();
    if (!reader_.ReadWord(name, option.name, kSteps)) return false;
    if (option.is_flag) return true;
    if (AtLineEnd()) {
      return reader_.Unexpected(
          absl::StrFormat("a value for `%s`", option.name));
    }
    return ParseLiteral(value);
  }

  bool ParsePositional(const StepForm& form, Step& step) {
    if (step.words.size() == form.max_words) {
      return reader_.Unexpected("the end of the line");
    }
    const Token token = reader_.token();
    Literal& literal = step.words.emplace_back();
    if (!ParseLiteral(literal)) return false;
    const bool first = step.words.size() == 1;
    if (first && form.first && literal.kind != *form.first) {
      reader_.diagnostics().Error(
          DiagnosticId::kUnexpectedToken, token.range,
          absl::StrFormat("found `%s`, expected %s", token.text, form.usage));
      return false;
    }
    return CheckRanges(literal, reader_.diagnostics());
  }

  bool ParseLiteral(Literal& out) {
    const Token& token = reader_.token();
    if (token.kind != TokenKind::kWord && token.kind != TokenKind::kString &&
        token.kind != TokenKind::kMailbox) {
      return reader_.Unexpected("a word or a text");
    }
    auto literal = ReadBareLiteral(token, reader_.diagnostics());
    if (!literal) return false;
    out = *std::move(literal);
    reader_.Advance(kSteps);
    return true;
  }

  // Behind `expect`, whose first byte is at `begin`.
  bool ParseExpectations(uint32_t begin, Step& step) {
    do {
      Expectation& expectation = step.expect.emplace_back();
      if (!ParseExpectation(expectation)) return false;
      expectation.range = reader_.RangeFrom(begin);
      begin = reader_.token().range.begin;
    } while (reader_.AcceptWord("expect", kSteps));
    return AtLineEnd() || reader_.Unexpected("the end of the line");
  }

  bool ParseExpectation(Expectation& out) {
    out.negated = reader_.AcceptWord("no", kSteps);
    if (out.negated && !reader_.AtWord("header")) {
      return reader_.Unexpected("`header`");
    }
    if (reader_.AcceptWord("header", kSteps)) return ParseHeader(out);
    if (!reader_.ReadWord(out.verdict, "a verdict such as `reject`", kSteps)) {
      return false;
    }
    for (const std::string_view known : VerdictWords()) {
      if (out.verdict.text == known) return ParseVerdict(out);
    }
    return UnknownVerdict(out.verdict);
  }

  bool ParseHeader(Expectation& out) {
    out.kind = Expectation::Kind::kHeader;
    if (!reader_.ReadString(out.header.emplace(), "a header's name in quotes",
                            kSteps)) {
      return false;
    }
    return !reader_.At(TokenKind::kString) ||
           reader_.ReadString(out.value.emplace(), "a text in quotes", kSteps);
  }

  // Behind the verdict: [554] [by RULE]
  bool ParseVerdict(Expectation& out) {
    if (reader_.At(TokenKind::kWord) && !reader_.AtWord("by") &&
        !reader_.AtWord("expect")) {
      const Token token = reader_.token();
      Literal& code = out.code.emplace();
      if (!ParseLiteral(code)) return false;
      if (code.kind != Literal::Kind::kNumber) {
        reader_.diagnostics().Error(
            DiagnosticId::kUnexpectedToken, token.range,
            absl::StrFormat("found `%s`, expected a reply code or `by`",
                            token.text));
        return false;
      }
    }
    return !reader_.AcceptWord("by", kSteps) ||
           reader_.ReadWord(out.by.emplace(), "a rule's name", kSteps);
  }

  bool UnknownVerdict(const ast::Name& word) {
    const std::string_view near = NearestName(word.text, VerdictWords());
    reader_.diagnostics()
        .Error(DiagnosticId::kUnknownVerdict, word.range,
               absl::StrFormat("unknown verdict `%s`", word.text))
        .help = near.empty()
                    ? "verdicts are accept, reject, defer, discard and "
                      "quarantine; `header` asks for an edit"
                    : absl::StrFormat("did you mean `%s`?", near);
    return false;
  }

  TokenReader& reader_;
  ast::Test& test_;
};

}  // namespace

bool ParseTest(TokenReader& reader, const SourceRange& test, ast::Test& out) {
  if (!reader.ReadString(out.title, "a title in quotes") ||
      !reader.Expect(TokenKind::kLeftBrace, "`{`", kSteps)) {
    return false;
  }
  ParseStepLines(reader, out);
  if (!reader.Accept(TokenKind::kRightBrace)) {
    ReportUnclosedBlock(reader, test);
    return false;
  }
  out.range = reader.RangeFrom(test.begin);
  return true;
}

void ParseStepLines(TokenReader& reader, ast::Test& out) {
  StepParser parser(reader, out);
  while (!reader.At(TokenKind::kEnd) && !reader.At(TokenKind::kRightBrace)) {
    const Token& token = reader.token();
    if (token.kind == TokenKind::kWord && IsStatementWord(token.text)) return;
    if (reader.Accept(TokenKind::kNewline, kSteps)) continue;
    if (!parser.ParseLine()) reader.SkipLine();
  }
}

}  // namespace gate::rules
