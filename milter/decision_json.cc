#include "milter/decision_json.h"

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "milter/decision_words.h"
#include "milter/story.h"
#include "policy/reference.h"

namespace gate::milter {
namespace {

using Json = nlohmann::ordered_json;
using policy::DecisionRecord;
using policy::PolicyDescription;
using policy::RuleDescription;
using rules::FactId;
using rules::FactInfo;

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
  json["time"] = TimeText(record.wall_us);
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

bool IsOver(policy::AnswerState state) {
  return state == policy::AnswerState::kOver;
}

bool IsAway(policy::AnswerState state) {
  return state == policy::AnswerState::kUnavailable;
}

Json Limit(const StoryLimit& limit) {
  const policy::Answer& answer = limit.answer;
  return {{"name", limit.name},
          {"key", limit.key},
          {"used", answer.used},
          {"allowed", answer.allowed},
          {"over", IsOver(answer.state)},
          {"retry_after_s", (answer.retry_after_us + 999'999) / 1'000'000},
          {"away", IsAway(answer.state)},
          {"local", answer.local}};
}

void AddStory(const Story& story, Json& json) {
  json["tried_before"] = story.tried_before;
  json["tried"] = Json::array();
  for (const StoryRule& rule : story.tried) {
    json["tried"].push_back(
        {{"rule", rule.label}, {"place", rule.place}, {"held", rule.held}});
  }
  json["conditions"] = Json::array();
  for (const StoryCondition& condition : story.conditions) {
    json["conditions"].push_back(
        {{"text", condition.text},
         {"held", condition.truth == rules::Truth::kTrue},
         {"known", condition.truth != rules::Truth::kNeedsStore},
         {"value", condition.value},
         {"entry", condition.entry}});
  }
  json["limits"] = Json::array();
  for (const StoryLimit& limit : story.limits) {
    json["limits"].push_back(Limit(limit));
  }
  json["bans"] = Json::array();
  for (const StoryBan& ban : story.bans) {
    json["bans"].push_back({{"key", ban.key},
                            {"subject", ban.subject},
                            {"banned", IsOver(ban.state)},
                            {"away", IsAway(ban.state)}});
  }
}

int64_t SecondsOf(std::chrono::nanoseconds time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time).count();
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

std::string WhyJson(const WhyQuery& query, const WhyFound& found,
                    const NowSays& now_says) {
  Json records = Json::array();
  DecisionRecord record;
  for (const policy::KeptDecision& kept : found.decisions) {
    if (!record.Parse(kept.bytes)) continue;
    Json json = Decision(record, kept.policy.get());
    AddStory(MakeStory(record, kept.policy.get()), json);
    if (now_says) json["now"] = now_says(record, kept.policy.get());
    records.push_back(std::move(json));
  }
  Json json{{"query", query.text},
            {"records", std::move(records)},
            {"more", found.more},
            {"damaged_blocks", found.damaged_blocks}};
  if (found.ended) json["ended_after_s"] = SecondsOf(query.patience);
  return Dump(json);
}

std::string WhyErrorJson(const std::string& query, const absl::Status& error) {
  return Dump({{"query", query},
               {"records", Json::array()},
               {"more", false},
               {"error", std::string(error.message())}});
}

}  // namespace gate::milter
