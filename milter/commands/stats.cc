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

void PrintText(const StatsReport& report) {
  absl::PrintF("gatemilter %s, up %s\n", report.version,
               Duration(report.uptime_seconds));
  absl::PrintF("policy %s, hash %s, loaded %s ago\n", report.policy_file,
               report.policy_hash, Duration(report.policy_age_seconds));
  absl::PrintF("store: %s, %d forgotten before their time\n\n",
               Count(report.store_entries, "key"), report.store_evicted);
  PrintRules(report.statistics.rules);
  absl::PrintF("\n");
  for (size_t i = 0; i < report.statistics.counters.size(); ++i) {
    absl::PrintF("%-13s %10d\n",
                 policy::CounterName(static_cast<policy::Counter>(i)),
                 report.statistics.counters[i]);
  }
  for (const std::string& fact : report.statistics.unknown_facts) {
    absl::PrintF("unknown: %s (an MTA does not send it: its tests are false)\n",
                 fact);
  }
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

void PrintJson(const StatsReport& report) {
  Json counters = Json::object();
  for (size_t i = 0; i < report.statistics.counters.size(); ++i) {
    counters[std::string(policy::CounterName(
        static_cast<policy::Counter>(i)))] = report.statistics.counters[i];
  }
  const Json json = {
      {"version", report.version},
      {"uptime_seconds", report.uptime_seconds},
      {"policy",
       {{"file", report.policy_file},
        {"hash", report.policy_hash},
        {"age_seconds", report.policy_age_seconds}}},
      {"store",
       {{"entries", report.store_entries}, {"evicted", report.store_evicted}}},
      {"counters", std::move(counters)},
      {"rules", RulesJson(report.statistics.rules)},
      {"unknown_facts", report.statistics.unknown_facts}};
  std::puts(
      json.dump(2, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace)
          .c_str());
}

}  // namespace

int RunStats(const ControlOptions& options) {
  rules::DiskReader reader;
  const std::string address =
      options.control.empty() ? FindControlAddress(reader, options.policy_file)
                              : options.control;
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
