#include "policy/scenario_text.h"

#include <cstdint>
#include <string_view>

#include "absl/strings/str_format.h"
#include "rules/fact_set.h"

namespace gate::policy {
namespace {

using rules::ast::Expectation;

// Several facts of a key are joined by NUL.
std::string Readable(std::string_view name, std::string_view subject) {
  std::string text(name);
  if (!subject.empty()) text += ' ';
  for (const char c : subject) text += c == '\0' ? ' ' : c;
  return text;
}

std::string Duration(int64_t us) {
  std::string text;
  rules::AppendDuration(us, text);
  return text;
}

}  // namespace

std::string DescribeLookup(const Lookup& lookup) {
  const std::string key = Readable(lookup.name, lookup.subject);
  const Answer& answer = lookup.answer;
  if (lookup.kind == Lookup::Kind::kBanned) {
    return absl::StrFormat("banned %s: %s", key,
                           answer.state == AnswerState::kOver ? "yes" : "no");
  }
  const bool charge = lookup.kind == Lookup::Kind::kCharge;
  std::string text =
      absl::StrFormat("%s %s: %u of %u", charge ? "charge" : "peek", key,
                      answer.used, answer.allowed);
  if (answer.state == AnswerState::kOver) {
    absl::StrAppendFormat(&text, ", over, retry after %s",
                          Duration(answer.retry_after_us));
  }
  return text;
}

std::string DescribeEffect(const Effect& effect) {
  const std::string key = Readable(effect.name, effect.subject);
  switch (effect.kind) {
    case Effect::Kind::kGiveBack:
      return absl::StrFormat("give back %u to %s", effect.units, key);
    case Effect::Kind::kForce:
      return absl::StrFormat("charge %u to %s", effect.units, key);
    case Effect::Kind::kBan:
      break;
  }
  return absl::StrFormat("ban %s for %s", key, Duration(effect.ban_us));
}

std::string DescribeEdit(const HeaderEdit& edit) {
  switch (edit.kind) {
    case HeaderEdit::Kind::kAdd:
      return absl::StrFormat("add \"%s: %s\"", edit.name, edit.value);
    case HeaderEdit::Kind::kSet:
      return absl::StrFormat("set \"%s: %s\"", edit.name, edit.value);
    case HeaderEdit::Kind::kRemove:
      break;
  }
  return absl::StrFormat("remove \"%s\"", edit.name);
}

std::string DescribeExpectation(const Expectation& expectation) {
  if (expectation.kind == Expectation::Kind::kHeader) {
    std::string text =
        absl::StrFormat("%sheader \"%s\"", expectation.negated ? "no " : "",
                        expectation.header->text);
    if (expectation.value) {
      absl::StrAppendFormat(&text, " \"%s\"", expectation.value->text);
    }
    return text;
  }
  std::string text = expectation.verdict.text;
  if (expectation.code) {
    absl::StrAppendFormat(&text, " %d", expectation.code->number);
  }
  if (expectation.by) {
    absl::StrAppendFormat(&text, " by %s", expectation.by->text);
  }
  return text;
}

std::string DescribeVerdict(const ScenarioEvent& event) {
  std::string text(rules::ActionName(event.action));
  if (event.code != 0) {
    absl::StrAppendFormat(&text, " %u %s", event.code, event.enhanced);
  }
  if (!event.text.empty()) absl::StrAppendFormat(&text, " \"%s\"", event.text);
  if (!event.rule.empty()) absl::StrAppendFormat(&text, " by %s", event.rule);
  if (event.kept) text += " (kept)";
  if (event.repeat) text += " (again)";
  return text;
}

}  // namespace gate::policy
