#include "rules/check_expectations.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "rules/check_reply.h"

namespace gate::rules {
namespace {

using Kind = ast::Step::Kind;

bool Decides(Kind kind) {
  return kind != Kind::kTls && kind != Kind::kAuth && kind != Kind::kMacros &&
         kind != Kind::kAfter && kind != Kind::kNewConnection &&
         kind != Kind::kRset;
}

bool IsContent(Kind kind) {
  return kind == Kind::kData || kind == Kind::kHeader || kind == Kind::kBody;
}

bool CodeFits(const ast::Expectation& expectation) {
  const auto code = ReadReplyCode(*expectation.code);
  const int64_t reply_class = expectation.verdict.text == "reject"  ? 5
                              : expectation.verdict.text == "defer" ? 4
                                                                    : 0;
  return code && *code / 100 == reply_class;
}

void CheckForm(const ast::Step& step, const ast::Expectation& expectation,
               Diagnostics& diagnostics) {
  std::string_view text;
  if (expectation.kind == ast::Expectation::Kind::kHeader) {
    if (!IsContent(step.kind)) {
      text = "only a message has headers: expect them at its `body`";
    }
  } else if (!Decides(step.kind)) {
    text = "nothing is decided at this step";
  } else if (expectation.code && !CodeFits(expectation)) {
    text = "this code does not go with this verdict";
  }
  if (text.empty()) return;
  diagnostics.Error(DiagnosticId::kBadExpectation, expectation.range,
                    std::string(text));
}

std::string_view VerdictOf(const ast::Action& action) {
  switch (action.kind) {
    case ast::Action::Kind::kAccept:
      return "accept";
    case ast::Action::Kind::kReject:
      return "reject";
    case ast::Action::Kind::kDefer:
      return "defer";
    case ast::Action::Kind::kDiscard:
      return "discard";
    case ast::Action::Kind::kQuarantine:
      return "quarantine";
    default:
      return "";
  }
}

// Why `rule` can never bring what is expected; empty: it can.
std::string WhyNever(const ast::Rule& rule,
                     const ast::Expectation& expectation) {
  const std::string_view verdict = VerdictOf(rule.action);
  if (rule.shadow) return "is a shadow rule: it decides nothing";
  if (verdict.empty()) return "decides nothing";
  if (verdict != expectation.verdict.text) {
    return absl::StrFormat("gives %s, not %s", Quoted(verdict),
                           Quoted(expectation.verdict.text));
  }
  const std::optional<int64_t> code = ReplyCode(rule.action);
  if (expectation.code && code && *code != expectation.code->number) {
    return absl::StrFormat("answers %d, not %d", *code,
                           expectation.code->number);
  }
  return "";
}

void CheckExpectation(CheckContext& context,
                      const ast::Expectation& expectation) {
  if (!expectation.by) return;
  const auto found = context.labels.find(expectation.by->text);
  if (found == context.labels.end()) {
    std::vector<std::string_view> known;
    for (const auto& [label, rule] : context.labels) known.push_back(label);
    ReportUnknown(context, DiagnosticId::kUnknownRule, "rule", *expectation.by,
                  known);
    return;
  }
  const ast::Rule& rule = *found->second;
  const std::string why = WhyNever(rule, expectation);
  if (why.empty()) return;
  context.diagnostics
      .Error(DiagnosticId::kBadExpectation, expectation.range,
             absl::StrFormat("%s %s", Quoted(expectation.by->text), why))
      .notes.push_back({rule.label->range, "the rule is here"});
}

}  // namespace

void CheckExpectationForms(const ast::Step& step, Diagnostics& diagnostics) {
  for (const ast::Expectation& expectation : step.expect) {
    CheckForm(step, expectation, diagnostics);
  }
}

void CheckExpectations(CheckContext& context, const ast::Test& test) {
  for (const ast::Step& step : test.steps) {
    for (const ast::Expectation& expectation : step.expect) {
      CheckExpectation(context, expectation);
    }
  }
}

}  // namespace gate::rules
