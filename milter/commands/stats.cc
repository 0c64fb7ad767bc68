#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "milter/commands/commands.h"
#include "milter/commands/output.h"
#include "milter/control.h"
#include "milter/control_address.h"

namespace gate::milter::commands {
namespace {

using Json = nlohmann::ordered_json;

// "3 d 4 h", "5 min 6 s": two units are enough.
std::string Duration(uint64_t seconds) {
  if (seconds >= 86'400) {
    return absl::StrFormat("%d d %d h", seconds / 86'400,
                           seconds % 86'400 / 3600);
  }
  if (seconds >= 3600) {
    return absl::StrFormat("%d h %d min", seconds / 3600, seconds % 3600 / 60);
  }
  return absl::StrFormat("%d min %d s", seconds / 60, seconds % 60);
}

void PrintRules(const std::vector<policy::RuleCount>& rules) {
  int width = 4;
  for (const policy::RuleCount& rule : rules) {
    width = std::max(width, static_cast<int>(rule.rule.size()));
  }
  absl::PrintF("%-8s %-*s %-13s %-6s %10s\n", "stage", width, "rule", "action",
               "", "held");
  for (const policy::RuleCount& rule : rules) {
    absl::PrintF("%-8s %-*s %-13s %-6s %10d\n", rules::StageName(rule.stage),
                 width, rule.rule, rules::ActionName(rule.action),
                 rule.shadow ? "shadow" : "", rule.count);
  }
}

void PrintStore(const StoreReport& store) {
  absl::PrintF("store: %s", store.name);
  if (store.shared) absl::PrintF(", shared");
  if (!store.why.empty()) absl::PrintF(", AWAY: %s", store.why);
  absl::PrintF("; in memory: %s, %d forgotten before their time\n\n",
               Count(store.entries, "key"), store.evicted);
}

// The least bound that nine in ten, 99 in 100, 999 in 1,000 events keep.
void PrintDurations(const std::vector<policy::DurationCount>& durations) {
  uint64_t all = 0;
  for (const policy::DurationCount& duration : durations) all += duration.count;
  if (all == 0) return;
  absl::PrintF("\nan event took at most");
  for (const double share : {0.9, 0.99, 0.999}) {
    uint64_t sum = 0;
    uint64_t bound = 0;
    for (const policy::DurationCount& duration : durations) {
      sum += duration.count;
      bound = duration.up_to_us;
      if (static_cast<double>(sum) >= share * static_cast<double>(all)) break;
    }
    const std::string text =
        bound == 0 ? "more than a second" : absl::StrFormat("%d us", bound);
    absl::PrintF("%s %s (%g %%)", share == 0.9 ? "" : ",", text, 100 * share);
  }
  absl::PrintF("\n");
}

void PrintUnknown(const std::vector<UnknownFactReport>& facts) {
  for (const UnknownFactReport& unknown : facts) {
    absl::PrintF(
        "\nunknown: %s; %s never sends %s: every test of it was false in %s\n",
        unknown.fact, unknown.mta, unknown.macros,
        Count(unknown.events, "event"));
    if (!unknown.rules.empty()) {
      absl::PrintF("  needed by %s\n", DescribeRules(unknown.rules));
    }
    absl::PrintF("  to mend it, in %s\n", unknown.mend);
  }
}

void PrintText(const StatsReport& report) {
  absl::PrintF("gatemilter %s, up %s\n", report.version,
               Duration(report.uptime_seconds));
  absl::PrintF("policy %s, hash %s, loaded %s ago\n", report.policy_file,
               report.policy_hash, Duration(report.policy_age_seconds));
  PrintStore(report.store);
  PrintRules(report.statistics.rules);
  absl::PrintF("\n");
  for (size_t i = 0; i < report.statistics.counters.size(); ++i) {
    absl::PrintF("%-13s %10d\n",
                 policy::CounterName(static_cast<policy::Counter>(i)),
                 report.statistics.counters[i]);
  }
  PrintDurations(report.statistics.durations);
  PrintUnknown(report.unknown_facts);
}

Json RulesJson(const std::vector<policy::RuleCount>& rules) {
  Json json = Json::array();
  for (const policy::RuleCount& rule : rules) {
    json.push_back({{"stage", rules::StageName(rule.stage)},
                    {"rule", rule.rule},
                    {"action", rules::ActionName(rule.action)},
                    {"shadow", rule.shadow},
                    {"count", rule.count}});
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

// Without "up_to_us": what took longer than all bounds.
Json DurationsJson(const std::vector<policy::DurationCount>& durations) {
  Json json = Json::array();
  for (const policy::DurationCount& duration : durations) {
    Json entry = {{"count", duration.count}};
    if (duration.up_to_us != 0) entry["up_to_us"] = duration.up_to_us;
    json.push_back(std::move(entry));
  }
  return json;
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

void PrintJson(const StatsReport& report) {
  Json counters = Json::object();
  for (size_t i = 0; i < report.statistics.counters.size(); ++i) {
    counters[std::string(policy::CounterName(
        static_cast<policy::Counter>(i)))] = report.statistics.counters[i];
  }
  const Json json = {{"version", report.version},
                     {"uptime_seconds", report.uptime_seconds},
                     {"policy",
                      {{"file", report.policy_file},
                       {"hash", report.policy_hash},
                       {"age_seconds", report.policy_age_seconds}}},
                     {"store", StoreJson(report.store)},
                     {"durations", DurationsJson(report.statistics.durations)},
                     {"counters", std::move(counters)},
                     {"rules", RulesJson(report.statistics.rules)},
                     {"unknown_facts", UnknownJson(report.unknown_facts)}};
  std::puts(
      json.dump(2, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace)
          .c_str());
}

}  // namespace

int RunStats(const ControlOptions& options) {
  const std::string address = ControlAddress(options);
  const absl::StatusOr<StatsReport> report = AskStats(address);
  if (!report.ok()) {
    PrintError(report.status());
    return kFindings;
  }
  if (options.json) {
    PrintJson(*report);
  } else {
    PrintText(*report);
  }
  return kOk;
}

}  // namespace gate::milter::commands
