#include "milter/stats_json.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace gate::milter {
namespace {

using Json = nlohmann::ordered_json;

// "2026-11-24T05:00:00Z"; null: not known.
Json TimeJson(int64_t wall_us) {
  if (wall_us == 0) return nullptr;
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixMicros(wall_us),
                          absl::UTCTimeZone());
}

void AddSeries(const policy::CounterSeries& series, Json& json) {
  if (series.minutes.empty()) return;
  json["minutes"] = series.minutes;
  json["tens"] = series.tens;
}

void AddTally(const policy::Tally& tally, Json& json) {
  json["count"] = tally.total;
  json["last_hour"] = tally.last_hour;
  json["last_day"] = tally.last_day;
  json["last"] = TimeJson(tally.last_us);
  AddSeries(tally.series, json);
}

Json RulesJson(const std::vector<policy::RuleCount>& rules) {
  Json json = Json::array();
  for (const policy::RuleCount& rule : rules) {
    Json entry = {{"stage", rules::StageName(rule.stage)},
                  {"rule", rule.rule},
                  {"action", rules::ActionName(rule.action)},
                  {"shadow", rule.shadow},
                  {"installed", rule.installed}};
    AddTally(rule.held, entry);
    entry["repeats"] = rule.repeats.total;
    entry["repeats_last_hour"] = rule.repeats.last_hour;
    entry["repeats_last_day"] = rule.repeats.last_day;
    json.push_back(std::move(entry));
  }
  return json;
}

Json LimitsJson(const std::vector<policy::LimitCount>& limits) {
  Json json = Json::array();
  for (const policy::LimitCount& limit : limits) {
    Json entry = {{"limit", limit.limit}, {"installed", limit.installed}};
    AddTally(limit.over, entry);
    json.push_back(std::move(entry));
  }
  return json;
}

Json CountersJson(const policy::StatisticsSnapshot& statistics) {
  Json json = Json::object();
  for (size_t i = 0; i < policy::kCounters; ++i) {
    const auto counter = static_cast<policy::Counter>(i);
    json[std::string(policy::CounterName(counter))] = statistics.counters[i];
  }
  return json;
}

Json CounterSeriesJson(const policy::StatisticsSnapshot& statistics) {
  Json json = Json::object();
  for (size_t i = 0; i < policy::kCounters; ++i) {
    if (statistics.counter_series[i].minutes.empty()) continue;
    const auto counter = static_cast<policy::Counter>(i);
    AddSeries(statistics.counter_series[i],
              json[std::string(policy::CounterName(counter))]);
  }
  return json;
}

// Without "up_to_us": what took longer than all bounds.
Json HistogramJson(const policy::Histogram& histogram) {
  Json durations = Json::array();
  for (const policy::DurationCount& duration : histogram.durations) {
    Json entry = {{"count", duration.count}};
    if (duration.up_to_us != 0) entry["up_to_us"] = duration.up_to_us;
    durations.push_back(std::move(entry));
  }
  return {{"sum_us", histogram.sum_us}, {"durations", std::move(durations)}};
}

Json LatencyJson(const policy::StatisticsSnapshot& statistics) {
  Json events = Json::object();
  for (size_t i = 0; i < rules::kStageCount; ++i) {
    const auto stage = static_cast<rules::Stage>(i);
    events[std::string(rules::StageName(stage))] =
        HistogramJson(statistics.events[i]);
  }
  return {{"events", std::move(events)},
          {"store", HistogramJson(statistics.store)}};
}

Json TopJson(const std::vector<TopReport>& reports) {
  Json json = Json::object();
  for (const TopReport& report : reports) {
    Json keys = Json::array();
    for (const policy::FrequentKey& key : report.list.keys) {
      keys.push_back(
          {{"key", key.key}, {"count", key.count}, {"error", key.error}});
    }
    json[std::string(policy::TopKindName(report.kind))]
        [std::string(policy::TopPeriodName(report.period))] = {
            {"decisions", report.list.added},
            {"others_at_most", report.list.floor},
            {"keys", std::move(keys)}};
  }
  return json;
}

Json StoreJson(const StoreReport& store) {
  return {{"name", store.name},
          {"shared", store.shared},
          {"away", store.why},
          {"entries", store.entries},
          {"evicted", store.evicted}};
}

Json ConnectionsJson(const std::vector<policy::OpenConnections>& connections) {
  Json policies = Json::array();
  int64_t open = 0;
  for (const policy::OpenConnections& policy : connections) {
    open += policy.open;
    policies.push_back({{"hash", policy.policy_hash},
                        {"load", policy.load},
                        {"open", policy.open}});
  }
  return {{"open", open}, {"policies", std::move(policies)}};
}

Json ListsJson(const std::vector<ListReport>& lists) {
  Json json = Json::array();
  for (const ListReport& list : lists) {
    json.push_back({{"list", list.name},
                    {"type", list.type},
                    {"file", list.file},
                    {"entries", list.entries},
                    {"age_seconds", list.age_seconds}});
  }
  return json;
}

Json JournalJson(const std::optional<JournalReport>& journal) {
  if (!journal) return nullptr;
  return {{"folder", journal->folder},
          {"queued_bytes", journal->queued_bytes},
          {"queue_bytes", journal->queue_bytes},
          {"written", journal->written},
          {"dropped", journal->dropped},
          {"segments", journal->segments},
          {"bytes", journal->bytes},
          {"oldest", TimeJson(journal->oldest_us)},
          {"fault", journal->fault}};
}

Json StateJson(const std::optional<StateReport>& state) {
  if (!state) return nullptr;
  return {{"folder", state->folder},
          {"fault", state->fault},
          {"age_seconds", state->age_seconds}};
}

Json UnknownJson(const std::vector<UnknownFactReport>& facts) {
  Json json = Json::array();
  for (const UnknownFactReport& unknown : facts) {
    Json rules = Json::array();
    for (const RuleName& rule : unknown.rules) {
      rules.push_back(
          {{"stage", rules::StageName(rule.stage)}, {"rule", rule.label}});
    }
    json.push_back({{"fact", unknown.fact},
                    {"macros", unknown.macros},
                    {"mta", unknown.mta},
                    {"events", unknown.events},
                    {"rules", std::move(rules)},
                    {"mend", unknown.mend}});
  }
  return json;
}

}  // namespace

std::string StatsJson(const StatsReport& report) {
  const policy::StatisticsSnapshot& statistics = report.statistics;
  const Json json = {{"version", report.version},
                     {"time", TimeJson(report.now_us)},
                     {"minute", TimeJson(statistics.minute_us)},
                     {"uptime_seconds", report.uptime_seconds},
                     {"policy",
                      {{"file", report.policy_file},
                       {"hash", report.policy_hash},
                       {"load", report.policy_load},
                       {"loaded", TimeJson(report.policy_loaded_us)},
                       {"age_seconds", report.policy_age_seconds}}},
                     {"connections", ConnectionsJson(report.connections)},
                     {"store", StoreJson(report.store)},
                     {"lists", ListsJson(report.lists)},
                     {"journal", JournalJson(report.journal)},
                     {"state", StateJson(report.state)},
                     {"counters", CountersJson(statistics)},
                     {"counter_series", CounterSeriesJson(statistics)},
                     {"rules", RulesJson(statistics.rules)},
                     {"limits", LimitsJson(statistics.limits)},
                     {"latency", LatencyJson(statistics)},
                     {"top", TopJson(report.top)},
                     {"unknown_facts", UnknownJson(report.unknown_facts)}};
  return json.dump(/*indent=*/-1, ' ', /*ensure_ascii=*/false,
                   Json::error_handler_t::replace);
}

}  // namespace gate::milter
