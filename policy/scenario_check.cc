#include "policy/scenario_check.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"
#include "policy/scenario_text.h"
#include "rules/ascii.h"

namespace gate::policy {
namespace {

using rules::ast::Expectation;

bool Meets(const Expectation& expectation, const ScenarioEvent& event) {
  if (rules::ActionName(event.action) != expectation.verdict.text) return false;
  if (expectation.code && expectation.code->number != event.code) return false;
  return !expectation.by || expectation.by->text == event.rule;
}

bool Puts(const HeaderEdit& edit, const Expectation& expectation) {
  if (edit.kind == HeaderEdit::Kind::kRemove) return false;
  if (!rules::EqualFolded(edit.name, expectation.header->text)) {
    return false;
  }
  return !expectation.value || expectation.value->text == edit.value;
}

std::optional<std::string> HeaderDiffers(const Expectation& expectation,
                                         std::span<const HeaderEdit> edits) {
  const bool found = std::ranges::any_of(
      edits, [&](const HeaderEdit& edit) { return Puts(edit, expectation); });
  if (found != expectation.negated) return std::nullopt;
  if (edits.empty()) return "no edits of headers";
  std::string text;
  for (const HeaderEdit& edit : edits) {
    if (!text.empty()) text += ", ";
    text += DescribeEdit(edit);
  }
  return text;
}

// What was found instead; nullopt: as expected.
std::optional<std::string> Differs(const Expectation& expectation,
                                   const ScenarioEvent& event,
                                   std::span<const HeaderEdit> edits) {
  if (expectation.kind == Expectation::Kind::kHeader) {
    return HeaderDiffers(expectation, edits);
  }
  if (Meets(expectation, event)) return std::nullopt;
  return DescribeVerdict(event);
}

}  // namespace

void ScenarioJudge::Check(const rules::ast::Step& step,
                          const ScenarioEvent& event) {
  for (const Expectation& expectation : step.expect) {
    // One failure tells enough of 200 plays of a step.
    if (!failures_.empty() && failures_.back().range == expectation.range) {
      continue;
    }
    std::optional<std::string> got = Differs(expectation, event, mta_.edits());
    if (!got) continue;
    ScenarioFailure failure{.range = expectation.range,
                            .event = event.what,
                            .expected = DescribeExpectation(expectation),
                            .got = *std::move(got),
                            .trace = {}};
    AddTraces(expectation, event, failure);
    failures_.push_back(std::move(failure));
  }
}

void ScenarioJudge::NotPlayed(const rules::ast::Step& step,
                              std::string_view why) {
  for (const Expectation& expectation : step.expect) {
    failures_.push_back({.range = expectation.range,
                         .event = rules::ast::Dump(step),
                         .expected = DescribeExpectation(expectation),
                         .got = absl::StrFormat("nothing, because %s", why),
                         .trace = {}});
  }
}

void ScenarioJudge::AddTraces(const Expectation& expectation,
                              const ScenarioEvent& event,
                              ScenarioFailure& failure) {
  for (const rules::Rule& rule : mta_.policy().rules()) {
    const bool expected = expectation.by && rule.label == expectation.by->text;
    if (expected || (!event.rule.empty() && rule.label == event.rule)) {
      failure.trace.push_back(mta_.Trace(rule));
    }
  }
}

}  // namespace gate::policy
