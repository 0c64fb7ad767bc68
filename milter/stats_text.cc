#include "milter/stats_text.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "milter/reply.h"
#include "milter/stats_health.h"
#include "milter/stats_layout.h"

namespace gate::milter {
namespace {

using policy::Tally;
using rules::Action;

// Of each stage.
constexpr size_t kMostNames = 20;

constexpr std::array<std::pair<std::string_view, StatsKey>, 6> kKeys = {{
    {"rule", StatsKey::kRule},
    {"stage", StatsKey::kStage},
    {"client", StatsKey::kClient},
    {"sender", StatsKey::kSender},
    {"rcpt", StatsKey::kRcpt},
    {"user", StatsKey::kUser},
}};

std::string_view PeriodText(StatsPeriod since) {
  switch (since) {
    case StatsPeriod::kHour:
      return "in the last hour";
    case StatsPeriod::kDay:
      return "in the last day";
    case StatsPeriod::kAll:
      break;
  }
  return "in all";
}

uint64_t CountOf(const Tally& tally, StatsPeriod since) {
  if (since == StatsPeriod::kHour) return tally.last_hour;
  if (since == StatsPeriod::kDay) return tally.last_day;
  return tally.total;
}

bool IsRefusal(const policy::RuleCount& rule) {
  return rule.action == Action::kReject || rule.action == Action::kDefer ||
         rule.action == Action::kDiscard || rule.action == Action::kQuarantine;
}

BarRow RuleRow(const policy::RuleCount& rule, StatsPeriod since) {
  BarRow row{
      .name = absl::StrFormat("%-8s %s (%s)", rules::StageName(rule.stage),
                              rule.rule, rules::ActionName(rule.action)),
      .count = CountOf(rule.held, since)};
  const uint64_t repeats = CountOf(rule.repeats, since);
  if (repeats > 0) row.remark = absl::StrFormat("  +%d repeated", repeats);
  return row;
}

template <class Wanted>
void AddRuleTable(const StatsReport& report, StatsPeriod since,
                  std::string_view title, Wanted wanted, std::string& out) {
  std::vector<BarRow> rows;
  uint64_t all = 0;
  for (const policy::RuleCount& rule : report.statistics.rules) {
    if (!wanted(rule) || CountOf(rule.held, since) == 0) continue;
    rows.push_back(RuleRow(rule, since));
    all += rows.back().count;
  }
  if (rows.empty()) return;
  std::ranges::stable_sort(rows, std::greater<>(), &BarRow::count);
  absl::StrAppendFormat(&out, "\n%s %s: %d\n", title, PeriodText(since), all);
  AddBars(rows, all, out);
}

void AddNeverHeld(const StatsReport& report, std::string& out) {
  std::array<std::vector<std::string_view>, rules::kStageCount> names;
  for (const policy::RuleCount& rule : report.statistics.rules) {
    if (!rule.installed || rule.held.total > 0) continue;
    names[static_cast<size_t>(rule.stage)].push_back(rule.rule);
  }
  std::string lines;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) continue;
    absl::StrAppendFormat(&lines, "  %-8s",
                          rules::StageName(static_cast<rules::Stage>(i)));
    const size_t shown = std::min(names[i].size(), kMostNames);
    for (size_t n = 0; n < shown; ++n) {
      absl::StrAppendFormat(&lines, "%s %s", n == 0 ? "" : ",", names[i][n]);
    }
    if (shown < names[i].size()) {
      absl::StrAppendFormat(&lines, " and %d more", names[i].size() - shown);
    }
    lines += '\n';
  }
  if (!lines.empty()) absl::StrAppend(&out, "\nnever held:\n", lines);
}

void AddLimits(const StatsReport& report, StatsPeriod since, std::string& out) {
  std::vector<BarRow> rows;
  uint64_t all = 0;
  for (const policy::LimitCount& limit : report.statistics.limits) {
    const uint64_t over = CountOf(limit.over, since);
    if (over > 0) rows.push_back({.name = limit.limit, .count = over});
    all += over;
  }
  if (rows.empty()) return;
  std::ranges::stable_sort(rows, std::greater<>(), &BarRow::count);
  absl::StrAppendFormat(&out, "\nlimits found over %s: %d\n", PeriodText(since),
                        all);
  AddBars(rows, all, out);
}

void AddByRule(const StatsReport& report, StatsPeriod since, std::string& out) {
  AddRuleTable(
      report, since, "refused, discarded, quarantined",
      [](const policy::RuleCount& rule) {
        return !rule.shadow && IsRefusal(rule);
      },
      out);
  AddRuleTable(
      report, since, "shadow rules that would have held",
      [](const policy::RuleCount& rule) { return rule.shadow; }, out);
  AddRuleTable(
      report, since, "other rules that held",
      [](const policy::RuleCount& rule) {
        return !rule.shadow && !IsRefusal(rule);
      },
      out);
  AddLimits(report, since, out);
  AddNeverHeld(report, out);
}

void AddByStage(const StatsReport& report, StatsPeriod since,
                std::string& out) {
  std::vector<BarRow> rows;
  for (size_t i = 0; i < rules::kStageCount; ++i) {
    const auto stage = static_cast<rules::Stage>(i);
    rows.push_back({.name = std::string(rules::StageName(stage))});
  }
  uint64_t all = 0;
  for (const policy::RuleCount& rule : report.statistics.rules) {
    if (rule.shadow || !IsRefusal(rule)) continue;
    const uint64_t count = CountOf(rule.held, since);
    rows[static_cast<size_t>(rule.stage)].count += count;
    all += count;
  }
  absl::StrAppendFormat(&out, "\nrefused, discarded, quarantined %s: %d\n",
                        PeriodText(since), all);
  AddBars(rows, all, out);
}

void AddByTop(const StatsReport& report, policy::TopKind kind,
              StatsPeriod since, std::string& out) {
  const auto period = since == StatsPeriod::kHour ? policy::TopPeriod::kHour
                                                  : policy::TopPeriod::kDay;
  if (since == StatsPeriod::kAll) since = StatsPeriod::kDay;
  for (const TopReport& top : report.top) {
    if (top.kind != kind || top.period != period) continue;
    std::vector<BarRow> rows;
    for (const policy::FrequentKey& key : top.list.keys) {
      rows.push_back({.name = CleanText(key.key), .count = key.count});
      if (key.error > 0) {
        rows.back().remark =
            absl::StrFormat("  at least %d", key.count - key.error);
      }
    }
    absl::StrAppendFormat(
        &out, "\nrefused, discarded, quarantined %s, by %s: %d\n",
        PeriodText(since), policy::TopKindName(kind), top.list.added);
    AddBars(rows, top.list.added, out);
    if (top.list.floor > 0) {
      absl::StrAppendFormat(&out, "  any other: %d at most\n", top.list.floor);
    }
  }
}

}  // namespace

std::optional<StatsPeriod> FindStatsPeriod(std::string_view word) {
  if (word == "1h") return StatsPeriod::kHour;
  if (word == "24h") return StatsPeriod::kDay;
  return std::nullopt;
}

std::optional<StatsKey> FindStatsKey(std::string_view word) {
  for (const auto& [name, key] : kKeys) {
    if (name == word) return key;
  }
  return std::nullopt;
}

std::string StatsText(const StatsReport& report, const StatsView& view) {
  std::string out;
  AddHead(report, out);
  switch (view.by) {
    case StatsKey::kRule:
      AddByRule(report, view.since, out);
      break;
    case StatsKey::kStage:
      AddByStage(report, view.since, out);
      break;
    case StatsKey::kClient:
      AddByTop(report, policy::TopKind::kClient, view.since, out);
      break;
    case StatsKey::kSender:
      AddByTop(report, policy::TopKind::kSender, view.since, out);
      break;
    case StatsKey::kRcpt:
      AddByTop(report, policy::TopKind::kRcpt, view.since, out);
      break;
    case StatsKey::kUser:
      AddByTop(report, policy::TopKind::kUser, view.since, out);
      break;
  }
  if (view.by == StatsKey::kRule && view.since == StatsPeriod::kAll) {
    AddCounters(report.statistics, out);
    AddLatency(report.statistics, out);
  }
  AddUnknown(report.unknown_facts, out);
  return out;
}

}  // namespace gate::milter
