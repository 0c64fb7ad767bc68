#include "milter/stats_health.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "milter/stats_layout.h"

namespace gate::milter {
namespace {

using policy::Counter;

void AddStore(const StoreReport& store, std::string& out) {
  absl::StrAppend(&out, "store: ", store.name);
  if (store.shared) absl::StrAppend(&out, ", shared");
  if (!store.why.empty()) absl::StrAppend(&out, ", AWAY: ", store.why);
  absl::StrAppendFormat(&out,
                        "; in memory: %s, %d forgotten before their time\n",
                        NumberText(store.entries, "key"), store.evicted);
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
  absl::StrAppendFormat(
      &out, "journal: %s, %s, %s, %s waiting, %s dropped", journal.folder,
      NumberText(journal.segments, "file"), BytesText(journal.bytes),
      BytesText(journal.queued_bytes), NumberText(journal.dropped, "record"));
  if (!journal.fault.empty()) {
    absl::StrAppend(&out, ", FAULT: ", journal.fault);
  }
  out += '\n';
}

void AddState(const StateReport& state, std::string& out) {
  const std::string age = DurationText(state.age_seconds);
  if (state.fault.empty()) {
    absl::StrAppend(&out, "state: saved in ", state.folder, " ", age, " ago\n");
  } else {
    absl::StrAppend(&out, "state: NOT SAVED for ", age, ": ", state.fault,
                    "\n");
  }
}

// What an administrator must know first. Not of all time: a night's trouble
// is not tomorrow's.
void AddWarnings(const policy::StatisticsSnapshot& statistics,
                 std::string& out) {
  const auto warn = [&](Counter counter, std::string_view what) {
    const std::vector<uint32_t>& tens =
        statistics.counter_series[static_cast<size_t>(counter)].tens;
    const uint64_t count =
        std::accumulate(tens.begin(), tens.end(), uint64_t{0});
    if (count == 0) return;
    absl::StrAppendFormat(&out, "WARNING: in the last day %s: %d\n", what,
                          count);
  };
  warn(Counter::kFailures, "gatemilter itself failed (the log says why)");
  warn(Counter::kOutageEvents, "events were deferred because Redis was away");
  warn(Counter::kTurnedAway,
       "connections were turned away (`set max-connections`, or fewer by the "
       "limit of descriptors: the log says so at the start)");
  warn(Counter::kRecordsDropped,
       "decisions came too fast to be shown and kept");
}

// Whether all rules that could decide are shadow.
bool DecidesNothing(const policy::StatisticsSnapshot& statistics) {
  bool shadow = false;
  for (const policy::RuleCount& rule : statistics.rules) {
    if (rule.installed && !rule.shadow) return false;
    shadow = shadow || rule.installed;
  }
  return shadow;
}

}  // namespace

void AddHead(const StatsReport& report, std::string& out) {
  absl::StrAppendFormat(&out, "gatemilter %s, up %s\n", report.version,
                        DurationText(report.uptime_seconds));
  absl::StrAppendFormat(&out, "policy %s, hash %s, loaded %s ago\n",
                        report.policy_file, report.policy_hash,
                        DurationText(report.policy_age_seconds));
  if (DecidesNothing(report.statistics)) {
    out += "WARNING: all rules are shadow: nothing is refused\n";
  }
  AddWarnings(report.statistics, out);
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
                          DurationText(list.age_seconds));
  }
}

namespace {

std::string UpTo(const policy::Histogram& histogram, uint64_t all,
                 double share) {
  uint64_t sum = 0;
  uint64_t bound = 0;
  for (const policy::DurationCount& duration : histogram.durations) {
    sum += duration.count;
    bound = duration.up_to_us;
    if (static_cast<double>(sum) >= share * static_cast<double>(all)) break;
  }
  return bound == 0 ? "over 1 s" : MicrosecondsText(bound);
}

void AddLatencyRow(std::string_view name, const policy::Histogram& histogram,
                   std::string& out) {
  uint64_t all = 0;
  for (const policy::DurationCount& duration : histogram.durations) {
    all += duration.count;
  }
  if (all == 0) return;
  absl::StrAppendFormat(&out, "%-10s %10d %11s %11s %11s\n", name, all,
                        UpTo(histogram, all, 0.9), UpTo(histogram, all, 0.99),
                        UpTo(histogram, all, 0.999));
}

}  // namespace

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
  absl::StrAppendFormat(&out, "\n%-10s %10s %11s %11s %11s\n%s", "took up to",
                        "events", "90 %", "99 %", "99.9 %", rows);
}

// Those at 0 would hide the others.
void AddCounters(const policy::StatisticsSnapshot& statistics,
                 std::string& out) {
  out += '\n';
  for (size_t i = 0; i < policy::kCounters; ++i) {
    if (statistics.counters[i] == 0) continue;
    absl::StrAppendFormat(&out, "%-17s %10d\n",
                          policy::CounterName(static_cast<Counter>(i)),
                          statistics.counters[i]);
  }
}

void AddUnknown(const std::vector<UnknownFactReport>& facts, std::string& out) {
  for (const UnknownFactReport& unknown : facts) {
    absl::StrAppendFormat(
        &out,
        "\nunknown: %s; %s never sends %s: every test of it was false in %s\n",
        unknown.fact, unknown.mta, unknown.macros,
        NumberText(unknown.events, "event"));
    if (!unknown.rules.empty()) {
      absl::StrAppend(&out, "  needed by ", DescribeRules(unknown.rules), "\n");
    }
    absl::StrAppend(&out, "  to mend it, in ", unknown.mend, "\n");
  }
}

}  // namespace gate::milter
