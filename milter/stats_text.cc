#include "milter/stats_text.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "milter/reply.h"

namespace gate::milter {
namespace {

using policy::Tally;
using rules::Action;

constexpr size_t kBarWidth = 30;

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

std::string Number(uint64_t number, std::string_view noun) {
  return absl::StrFormat("%d %s%s", number, noun, number == 1 ? "" : "s");
}

std::string Bytes(uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB",
                                                 "TiB"};
  auto amount = static_cast<double>(bytes);
  size_t unit = 0;
  while (amount >= 1024 && unit + 1 < kUnits.size()) {
    amount /= 1024;
    ++unit;
  }
  return absl::StrFormat("%.1f %s", amount, kUnits[unit]);
}

// --- Tables with bars.

struct Row {
  std::string name;
  uint64_t count = 0;
  std::string remark = {};
};

// Shares are of `all`, bars of the longest row.
void AddTable(const std::vector<Row>& rows, uint64_t all, std::string& out) {
  size_t width = 0;
  uint64_t longest = 1;
  for (const Row& row : rows) {
    width = std::max(width, row.name.size());
    longest = std::max(longest, row.count);
  }
  for (const Row& row : rows) {
    const double share = all == 0 ? 0
                                  : 100 * static_cast<double>(row.count) /
                                        static_cast<double>(all);
    const std::string bar((row.count * kBarWidth + longest - 1) / longest, '#');
    absl::StrAppendFormat(&out, "  %-*s %10d %5.1f %%  %s%s\n",
                          static_cast<int>(width), row.name, row.count, share,
                          bar, row.remark);
  }
}

bool IsRefusal(const policy::RuleCount& rule) {
  return rule.action == Action::kReject || rule.action == Action::kDefer ||
         rule.action == Action::kDiscard || rule.action == Action::kQuarantine;
}

Row RuleRow(const policy::RuleCount& rule, StatsPeriod since) {
  Row row{.name = absl::StrFormat("%-8s %s (%s)", rules::StageName(rule.stage),
                                  rule.rule, rules::ActionName(rule.action)),
          .count = CountOf(rule.held, since)};
  const uint64_t repeats = CountOf(rule.repeats, since);
  if (repeats > 0) row.remark = absl::StrFormat("  +%d repeated", repeats);
  return row;
}

template <class Wanted>
void AddRuleTable(const StatsReport& report, StatsPeriod since,
                  std::string_view title, Wanted wanted, std::string& out) {
  std::vector<Row> rows;
  uint64_t all = 0;
  for (const policy::RuleCount& rule : report.statistics.rules) {
    if (!wanted(rule) || CountOf(rule.held, since) == 0) continue;
    rows.push_back(RuleRow(rule, since));
    all += rows.back().count;
  }
  if (rows.empty()) return;
  std::ranges::stable_sort(rows, std::greater<>(), &Row::count);
  absl::StrAppendFormat(&out, "\n%s %s: %d\n", title, PeriodText(since), all);
  AddTable(rows, all, out);
}

void AddNeverHeld(const StatsReport& report, std::string& out) {
  std::string names;
  for (const policy::RuleCount& rule : report.statistics.rules) {
    if (!rule.installed || rule.held.total > 0) continue;
    absl::StrAppend(&names, names.empty() ? "" : ", ",
                    std::string(rules::StageName(rule.stage)), " ", rule.rule);
  }
  if (!names.empty()) absl::StrAppend(&out, "\nnever held: ", names, "\n");
}

void AddLimits(const StatsReport& report, StatsPeriod since, std::string& out) {
  std::vector<Row> rows;
  uint64_t all = 0;
  for (const policy::LimitCount& limit : report.statistics.limits) {
    const uint64_t over = CountOf(limit.over, since);
    if (over > 0) rows.push_back({.name = limit.limit, .count = over});
    all += over;
  }
  if (rows.empty()) return;
  std::ranges::stable_sort(rows, std::greater<>(), &Row::count);
  absl::StrAppendFormat(&out, "\nlimits found over %s: %d\n", PeriodText(since),
                        all);
  AddTable(rows, all, out);
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
  std::vector<Row> rows;
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
  AddTable(rows, all, out);
}

void AddByTop(const StatsReport& report, policy::TopKind kind,
              StatsPeriod since, std::string& out) {
  const auto period = since == StatsPeriod::kHour ? policy::TopPeriod::kHour
                                                  : policy::TopPeriod::kDay;
  if (since == StatsPeriod::kAll) since = StatsPeriod::kDay;
  for (const TopReport& top : report.top) {
    if (top.kind != kind || top.period != period) continue;
    std::vector<Row> rows;
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
    AddTable(rows, top.list.added, out);
    if (top.list.floor > 0) {
      absl::StrAppendFormat(&out, "  any other: %d at most\n", top.list.floor);
    }
  }
}

// --- How things are.

void AddStore(const StoreReport& store, std::string& out) {
  absl::StrAppend(&out, "store: ", store.name);
  if (store.shared) absl::StrAppend(&out, ", shared");
  if (!store.why.empty()) absl::StrAppend(&out, ", AWAY: ", store.why);
  absl::StrAppendFormat(&out,
                        "; in memory: %s, %d forgotten before their time\n",
                        Number(store.entries, "key"), store.evicted);
}

void AddConnections(const StatsReport& report, std::string& out) {
  int64_t open = 0;
  int64_t older = 0;
  uint64_t newest = 0;
  for (const policy::OpenConnections& policy : report.connections) {
    newest = std::max(newest, policy.load);
  }
  for (const policy::OpenConnections& policy : report.connections) {
    open += policy.open;
    if (policy.load != newest) older += policy.open;
  }
  absl::StrAppendFormat(&out, "connections: %d open", open);
  if (older > 0) {
    absl::StrAppendFormat(&out, ", %d of them under older policies", older);
  }
  out += '\n';
}

void AddJournal(const JournalReport& journal, std::string& out) {
  absl::StrAppendFormat(&out, "journal: %s, %s, %s, %s waiting, %s dropped",
                        journal.folder, Number(journal.segments, "file"),
                        Bytes(journal.bytes), Bytes(journal.queued_bytes),
                        Number(journal.dropped, "record"));
  if (!journal.fault.empty()) {
    absl::StrAppend(&out, ", FAULT: ", journal.fault);
  }
  out += '\n';
}

void AddState(const StateReport& state, std::string& out) {
  const std::string age = Duration(state.age_seconds);
  if (state.fault.empty()) {
    absl::StrAppend(&out, "state: saved in ", state.folder, " ", age, " ago\n");
  } else {
    absl::StrAppend(&out, "state: NOT SAVED for ", age, ": ", state.fault,
                    "\n");
  }
}

void AddHead(const StatsReport& report, std::string& out) {
  absl::StrAppendFormat(&out, "gatemilter %s, up %s\n", report.version,
                        Duration(report.uptime_seconds));
  absl::StrAppendFormat(&out, "policy %s, hash %s, loaded %s ago\n",
                        report.policy_file, report.policy_hash,
                        Duration(report.policy_age_seconds));
  AddConnections(report, out);
  AddStore(report.store, out);
  if (report.journal) AddJournal(*report.journal, out);
  if (report.state) {
    AddState(*report.state, out);
  }
  for (const ListReport& list : report.lists) {
    if (list.file.empty()) continue;
    absl::StrAppendFormat(&out, "list %s: %d %s of %s, changed %s ago\n",
                          list.name, list.entries, list.type, list.file,
                          Duration(list.age_seconds));
  }
}

// --- Latency.

std::string UpTo(const policy::Histogram& histogram, uint64_t all,
                 double share) {
  uint64_t sum = 0;
  uint64_t bound = 0;
  for (const policy::DurationCount& duration : histogram.durations) {
    sum += duration.count;
    bound = duration.up_to_us;
    if (static_cast<double>(sum) >= share * static_cast<double>(all)) break;
  }
  return bound == 0 ? "over 1 s" : absl::StrFormat("%d us", bound);
}

void AddLatencyRow(std::string_view name, const policy::Histogram& histogram,
                   std::string& out) {
  uint64_t all = 0;
  for (const policy::DurationCount& duration : histogram.durations) {
    all += duration.count;
  }
  if (all == 0) return;
  absl::StrAppendFormat(&out, "%-8s %10d %11s %11s %11s\n", name, all,
                        UpTo(histogram, all, 0.9), UpTo(histogram, all, 0.99),
                        UpTo(histogram, all, 0.999));
}

// The least bound that nine in ten, 99 in 100, 999 in 1,000 keep.
void AddLatency(const policy::StatisticsSnapshot& statistics,
                std::string& out) {
  std::string rows;
  for (size_t i = 0; i < rules::kStageCount; ++i) {
    AddLatencyRow(rules::StageName(static_cast<rules::Stage>(i)),
                  statistics.events[i], rows);
  }
  AddLatencyRow("store", statistics.store, rows);
  if (rows.empty()) return;
  absl::StrAppendFormat(&out, "\n%-8s %10s %11s %11s %11s\n%s", "took up to",
                        "events", "90 %", "99 %", "99.9 %", rows);
}

void AddCounters(const policy::StatisticsSnapshot& statistics,
                 std::string& out) {
  out += '\n';
  for (size_t i = 0; i < policy::kCounters; ++i) {
    absl::StrAppendFormat(&out, "%-17s %10d\n",
                          policy::CounterName(static_cast<policy::Counter>(i)),
                          statistics.counters[i]);
  }
}

void AddUnknown(const std::vector<UnknownFactReport>& facts, std::string& out) {
  for (const UnknownFactReport& unknown : facts) {
    absl::StrAppendFormat(
        &out,
        "\nunknown: %s; %s never sends %s: every test of it was false in %s\n",
        unknown.fact, unknown.mta, unknown.macros,
        Number(unknown.events, "event"));
    if (!unknown.rules.empty()) {
      absl::StrAppend(&out, "  needed by ", DescribeRules(unknown.rules), "\n");
    }
    absl::StrAppend(&out, "  to mend it, in ", unknown.mend, "\n");
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
