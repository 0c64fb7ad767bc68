// TellStory: a story as text.
#include <algorithm>

#include "absl/strings/str_format.h"
#include "milter/decision_words.h"
#include "milter/log_quote.h"
#include "milter/story.h"
#include "policy/reference.h"
#include "rules/fact_text.h"

namespace gate::milter {
namespace {

using policy::AnswerState;
using policy::DecisionRecord;
using policy::PolicyDescription;
using policy::RecordedNote;
using policy::RuleDescription;
using rules::FactInfo;

std::string Place(const DecisionRecord& record,
                  const PolicyDescription* policy) {
  if (!record.rule) {
    return record.refuses() ? "no rule: a limit that it asks has no answer"
                            : "no rule";
  }
  const RuleDescription* rule = FindRule(*record.rule, policy);
  return "rule " + RuleLabel(*record.rule, policy) +
         (rule == nullptr ? "" : " (" + rule->place() + ")");
}

void TellVerdict(const DecisionRecord& record, const PolicyDescription* policy,
                 std::string& out) {
  const std::string reference =
      record.reference == 0 ? "" : policy::FormatReference(record.reference);
  absl::StrAppendFormat(&out, "%s%s%s: %s at %s", reference,
                        reference.empty() ? "" : "  ", TimeText(record.wall_us),
                        rules::ActionName(record.action),
                        rules::StageName(record.stage));
  if (record.code != 0) {
    absl::StrAppendFormat(&out, ", %d %s %s", record.code,
                          LogQuote(record.enhanced), LogQuote(record.text));
  } else if (!record.text.empty()) {
    out += ", " + LogQuote(record.text);
  }
  absl::StrAppendFormat(&out, "\n  by %s of policy %s\n", Place(record, policy),
                        policy::PolicyHash(record.policy));
  if (record.kept) out += "  kept: given at a later stage\n";
  if (record.repeat) out += "  given again: it was decided before\n";
  if (!record.given) out += "  not given: the MTA's own submission\n";
  if (record.cut) out += "  the record leaves out what was too long\n";
}

std::string_view TruthText(rules::Truth truth) {
  switch (truth) {
    case rules::Truth::kFalse:
      return "false";
    case rules::Truth::kTrue:
      return "true";
    case rules::Truth::kNeedsStore:
      break;
  }
  return "unknown";
}

void TellConditions(const Story& story, std::string& out) {
  if (story.conditions.empty()) return;
  out += "  its condition:\n";
  size_t width = 0;
  for (const StoryCondition& condition : story.conditions) {
    width = std::max(width, condition.text.size());
  }
  for (const StoryCondition& condition : story.conditions) {
    absl::StrAppendFormat(&out, "    %-7s %-*s  %s", TruthText(condition.truth),
                          static_cast<int>(width), condition.text,
                          condition.value);
    if (!condition.entry.empty()) out += " [" + condition.entry + "]";
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  }
}

std::string AnswerText(const policy::Answer& answer) {
  if (answer.state == AnswerState::kUnavailable) return "the store was away";
  std::string text =
      absl::StrFormat("%d of %d used", answer.used, answer.allowed);
  if (answer.state == AnswerState::kOver) {
    text += ": over, room again in ";
    rules::AppendDuration(answer.retry_after_us, text);
  }
  if (answer.local) text += " (counted here: Redis was away)";
  return text;
}

void TellStore(const Story& story, std::string& out) {
  for (const StoryLimit& limit : story.limits) {
    absl::StrAppendFormat(&out, "  limit %s%s%s: %s\n", limit.name,
                          limit.key.empty() ? "" : " of ",
                          limit.key.empty() ? "" : LogQuote(limit.key),
                          AnswerText(limit.answer));
  }
  for (const StoryBan& ban : story.bans) {
    const std::string_view state = ban.state == AnswerState::kOver ? "banned"
                                   : ban.state == AnswerState::kUnavailable
                                       ? "the store was away"
                                       : "not banned";
    absl::StrAppendFormat(&out, "  ban of %s %s: %s\n", ban.key,
                          LogQuote(ban.subject), state);
  }
}

void TellNotes(const DecisionRecord& record, const PolicyDescription* policy,
               std::string& out) {
  for (const RecordedNote& note : record.notes) {
    const RuleDescription* rule = FindRule(note.rule, policy);
    absl::StrAppendFormat(
        &out, "  %s %s: %s", IsShadow(note, policy) ? "shadow rule" : "rule",
        RuleLabel(note.rule, policy),
        rule == nullptr ? "held" : rules::ActionName(rule->action));
    if (!note.text.empty()) out += ' ' + LogQuote(note.text);
    out += '\n';
  }
}

void TellTried(const Story& story, std::string& out) {
  if (story.tried.empty()) return;
  out += "  tried before:";
  if (story.tried_before > 0) {
    absl::StrAppendFormat(&out, " %d rules,", story.tried_before);
  }
  const char* comma = "";
  for (const StoryRule& rule : story.tried) {
    absl::StrAppendFormat(&out, "%s %s%s", comma, rule.label,
                          rule.held ? " (held)" : "");
    comma = ",";
  }
  out += '\n';
}

// Says nothing that another fact does not say, or is of a later stage.
bool IsIdle(const FactInfo& info, const DecisionRecord& record) {
  using enum rules::FactId;
  const rules::FactSet& facts = record.facts;
  const auto bracketed = [&facts](rules::FactId path, rules::FactId mailbox) {
    return facts.present(mailbox) &&
           facts.text(path) == '<' + std::string(facts.text(mailbox)) + '>';
  };
  switch (info.id) {
    case kClientNetwork:
      return facts.present(kClientIp) && facts.address(kClientIp).is_v4();
    case kSenderLocal:
    case kSenderDomain:
    case kRcptLocal:
    case kRcptDomain:
      return true;
    case kSenderRaw:
      return bracketed(kSenderRaw, kSender);
    case kRcptRaw:
      return bracketed(kRcptRaw, kRcpt);
    default:
      return info.stage > record.stage;
  }
}

void TellSession(const DecisionRecord& record, const PolicyDescription* policy,
                 std::string& out) {
  out += "  the session:\n";
  for (const FactInfo& info : rules::AllFacts()) {
    if (info.indexed || !record.facts.present(info.id) ||
        IsIdle(info, record)) {
      continue;
    }
    out += "    " + rules::FactText(info.id, {}, {}, record.facts) + '\n';
  }
  if (policy == nullptr) return;
  const size_t names =
      std::min<size_t>(record.header_names, policy->headers.size());
  for (uint32_t i = 0; i < names; ++i) {
    if (record.facts.header_count({i}) == 0) continue;
    out += "    " +
           rules::FactText(rules::FactId::kHeader, {i}, policy->headers[i],
                           record.facts) +
           '\n';
  }
}

}  // namespace

std::string TellStory(const DecisionRecord& record,
                      const PolicyDescription* policy, const std::string& now) {
  const Story story = MakeStory(record, policy);
  std::string out;
  TellVerdict(record, policy, out);
  TellConditions(story, out);
  TellStore(story, out);
  TellNotes(record, policy, out);
  TellTried(story, out);
  TellSession(record, policy, out);
  if (!now.empty()) out += "  now: " + now + '\n';
  return out;
}

}  // namespace gate::milter
