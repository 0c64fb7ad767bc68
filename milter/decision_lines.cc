#include "milter/decision_lines.h"

#include <ctime>

#include "absl/strings/str_format.h"
#include "milter/decision_words.h"
#include "milter/log_quote.h"
#include "policy/reference.h"

namespace gate::milter {
namespace {

using policy::DecisionRecord;
using policy::PolicyDescription;
using policy::RecordedNote;
using policy::RuleDescription;
using rules::FactId;

constexpr uint32_t kDecisionsPerSecond = 1000;  // all together
constexpr size_t kLongestValue = 256;           // bytes of one value in a line

// key=value, or members of a JSON object, one after the other.
class LineWriter {
 public:
  LineWriter(bool json, std::string& line) : json_(json), line_(line) {
    line_.clear();
  }
  // A long value is cut and ends with "...".
  void Add(std::string_view key, std::string_view value) {
    const bool cut = value.size() > kLongestValue;
    value = value.substr(0, kLongestValue);
    Begin(key);
    if (json_) {
      AppendJsonQuoted(std::string(value) + (cut ? "..." : ""), line_);
    } else {
      AppendLogQuoted(value, line_);
      if (cut) line_ += "...";
    }
  }
  void Add(std::string_view key, uint16_t number) {
    Begin(key);
    line_ += std::to_string(number);
  }

 private:
  void Begin(std::string_view key) {
    if (!line_.empty()) line_ += json_ ? ',' : ' ';
    if (json_) {
      line_.append("\"").append(key).append("\":");
    } else {
      line_.append(key) += '=';
    }
  }

  const bool json_;
  std::string& line_;
};

void AddText(std::string_view key, FactId id, const rules::FactSet& facts,
             LineWriter& line) {
  if (facts.present(id)) line.Add(key, facts.text(id));
}

// Whom and what the line is about.
void AddSession(const rules::FactSet& facts, LineWriter& line) {
  if (facts.present(FactId::kClientIp)) {
    line.Add("client", facts.address(FactId::kClientIp).ToString());
  }
  AddText("name", FactId::kClientName, facts, line);
  AddText("helo", FactId::kHelo, facts, line);
  AddText("user", FactId::kAuthUser, facts, line);
  AddText("sender", FactId::kSender, facts, line);
  AddText("rcpt", FactId::kRcpt, facts, line);
  AddText("queue_id", FactId::kQueueId, facts, line);
}

void AddReply(uint16_t code, std::string_view enhanced, LineWriter& line) {
  if (code == 0) return;
  line.Add("code", code);
  line.Add("enhanced", enhanced);
}

void AddVerdict(const DecisionRecord& record, const PolicyDescription* policy,
                LineWriter& line) {
  line.Add("stage", rules::StageName(record.stage));
  line.Add("action", rules::ActionName(record.action));
  AddReply(record.code, record.enhanced, line);
  if (record.rule) line.Add("rule", RuleLabel(*record.rule, policy));
  if (record.kept) line.Add("kept", "yes");
  if (record.repeat) line.Add("repeat", "yes");
  if (!record.given) line.Add("given", "no");
}

// Records from before a policy was known have its rules by number.
void AddNote(const DecisionRecord& record, const RecordedNote& note,
             const PolicyDescription* policy, LineWriter& line) {
  line.Add("stage", rules::StageName(record.stage));
  if (const RuleDescription* rule = FindRule(note.rule, policy)) {
    line.Add("action", rules::ActionName(rule->action));
    AddReply(rule->code, rule->enhanced, line);
  }
  line.Add("rule", RuleLabel(note.rule, policy));
  if (IsShadow(note, policy)) line.Add("shadow", "yes");
}

// What edits and bans do is no news.
bool IsNews(const RecordedNote& note, const PolicyDescription* policy) {
  const RuleDescription* rule = FindRule(note.rule, policy);
  return rule != nullptr &&
         (rule->shadow || rule->action == rules::Action::kLog);
}

}  // namespace

DecisionLines::DecisionLines(Log& log, policy::Statistics& statistics)
    : log_(log), statistics_(statistics), allowance_(kDecisionsPerSecond) {}

// A line that cannot be written (no memory) is no reason to stop.
void DecisionLines::Take(const DecisionRecord& record,
                         const policy::PolicyPointer& policy,
                         std::string_view) {
  if (!log_.WritesInfo()) return;
  try {
    for (const RecordedNote& note : record.notes) {
      if (IsNews(note, policy.get())) Write(record, policy.get(), &note);
    }
    if (!record.plain()) Write(record, policy.get(), nullptr);
  } catch (...) {
    statistics_.Count(policy::Counter::kLogDropped);
  }
}

void DecisionLines::Write(const DecisionRecord& record,
                          const PolicyDescription* policy,
                          const RecordedNote* note) {
  if (!MayWrite()) return;
  LineWriter line(log_.json(), line_);
  if (note != nullptr) {
    AddNote(record, *note, policy, line);
  } else {
    AddVerdict(record, policy, line);
  }
  AddSession(record.facts, line);
  if (note == nullptr && record.reference != 0) {
    line.Add("reference", policy::FormatReference(record.reference));
  }
  line.Add("text", note != nullptr ? note->text : record.text);
  if (log_.json()) {
    log_.InfoMembers(line_);
  } else {
    log_.Info(line_);
  }
}

// Says how many were left out before the first that may be written again.
bool DecisionLines::MayWrite() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  if (!allowance_.Take(now.tv_sec)) {
    statistics_.Count(policy::Counter::kLogDropped);
    return false;
  }
  if (const uint64_t left_out = allowance_.TakeLeftOut(); left_out > 0) {
    log_.Warning(
        absl::StrFormat("%d decisions were not written: more than %d a second",
                        left_out, kDecisionsPerSecond));
  }
  return true;
}

}  // namespace gate::milter
