#include "milter/decision_json.h"

#include <ctime>
#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "milter/decision_words.h"
#include "policy/reference.h"

namespace gate::milter {
namespace {

using Json = nlohmann::ordered_json;
using policy::DecisionRecord;
using policy::PolicyDescription;
using policy::RuleDescription;
using rules::FactId;
using rules::FactInfo;

// RFC 3339, UTC, with microseconds.
std::string Time(int64_t wall_us) {
  const std::time_t seconds = wall_us / 1'000'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return absl::StrFormat(
      "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", utc.tm_year + 1900, utc.tm_mon + 1,
      utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, wall_us % 1'000'000);
}

Json HeaderValues(const DecisionRecord& record, uint32_t header) {
  Json values = Json::array();
  for (size_t i = 0; i < record.facts.header_count({header}); ++i) {
    values.push_back(record.facts.header({header}, i));
  }
  return values;
}

// "client.ip": "192.0.2.1", "header[\"Subject\"]": ["one", "two"]; null: the
// MTA never sends it.
Json Facts(const DecisionRecord& record, const PolicyDescription* policy) {
  Json facts = Json::object();
  for (const FactInfo& info : rules::AllFacts()) {
    if (info.indexed) continue;
    const std::string name(info.name);
    if (record.facts.presence(info.id) == rules::Presence::kUnknown) {
      facts[name] = nullptr;
    } else if (record.facts.present(info.id)) {
      std::string value;
      record.facts.AppendValue(info.id, {}, value);
      facts[name] = std::move(value);
    }
  }
  if (policy == nullptr || !record.facts.present(FactId::kHeader)) return facts;
  for (uint32_t i = 0; i < policy->headers.size(); ++i) {
    if (i >= record.header_names) break;
    Json values = HeaderValues(record, i);
    if (!values.empty()) {
      facts["header[\"" + policy->headers[i] + "\"]"] = std::move(values);
    }
  }
  return facts;
}

void AddRule(rules::RuleId id, const PolicyDescription* policy, Json& json) {
  json["rule"] = RuleLabel(id, policy);
  if (const RuleDescription* rule = FindRule(id, policy)) {
    json["place"] = rule->place();
  }
}

Json Notes(const DecisionRecord& record, const PolicyDescription* policy) {
  Json notes = Json::array();
  for (const policy::RecordedNote& note : record.notes) {
    Json json;
    AddRule(note.rule, policy, json);
    if (const RuleDescription* rule = FindRule(note.rule, policy)) {
      json["action"] = rules::ActionName(rule->action);
      if (rule->code != 0) json["code"] = rule->code;
    }
    json["shadow"] = IsShadow(note, policy);
    json["text"] = note.text;
    notes.push_back(std::move(json));
  }
  return notes;
}

Json Decision(const DecisionRecord& record, const PolicyDescription* policy) {
  Json json;
  if (record.reference != 0) {
    json["reference"] = policy::FormatReference(record.reference);
  }
  json["time"] = Time(record.wall_us);
  json["stage"] = rules::StageName(record.stage);
  json["action"] = rules::ActionName(record.action);
  if (record.code != 0) {
    json["code"] = record.code;
    json["enhanced"] = record.enhanced;
  }
  json["text"] = record.text;
  if (record.rule) AddRule(*record.rule, policy, json);
  json["kept"] = record.kept;
  json["repeat"] = record.repeat;
  json["given"] = record.given;
  json["sample"] = record.plain() && record.notes.empty();
  json["cut"] = record.cut;
  json["policy"] = policy::PolicyHash(record.policy);
  json["facts"] = Facts(record, policy);
  json["notes"] = Notes(record, policy);
  return json;
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/false,
                   Json::error_handler_t::replace);
}

}  // namespace

std::string DecisionsJson(const policy::LatestDecisions::Page& page) {
  Json decisions = Json::array();
  DecisionRecord record;
  for (const policy::KeptDecision& kept : page.decisions) {
    if (!record.Parse(kept.bytes)) continue;
    Json json{{"number", kept.number}};
    json.update(Decision(record, kept.policy.get()));
    decisions.push_back(std::move(json));
  }
  return Dump({{"next", page.next},
               {"missed", page.missed},
               {"decisions", std::move(decisions)}});
}

}  // namespace gate::milter
