// What `stats`, the page and the metrics show: counters, and how things are at
// this moment. The daemon fills it; stats_json and metrics render it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "milter/missing_macro.h"
#include "milter/stores.h"
#include "policy/engine.h"
#include "policy/journal_writer.h"
#include "policy/statistics.h"
#include "policy/top_lists.h"

namespace gate::milter {

struct ListReport {
  std::string name = {};
  std::string type = {};  // "networks"
  std::string file = {};  // empty: inline
  uint64_t entries = 0;
  // Since the file that its contents were read from changed; 0 without one.
  uint64_t age_seconds = 0;
};

struct JournalReport {
  std::string folder = {};
  uint64_t queued_bytes = 0;  // of records that wait to be written
  uint64_t queue_bytes = 0;   // so many may
  uint64_t written = 0;       // records, since the start
  uint64_t dropped = 0;       // records, since the start
  uint64_t segments = 0;      // files
  uint64_t bytes = 0;         // of all files
  int64_t oldest_us = 0;      // the oldest record's time; 0: there is none
  std::string fault = {};     // why it does not write now; empty: it does
};

struct TopReport {
  policy::TopKind kind = policy::TopKind::kClient;
  policy::TopPeriod period = policy::TopPeriod::kHour;
  policy::TopList list = {};
};

struct StateReport {
  std::string folder = {};
  std::string fault = {};    // why the last save failed; empty: it did not
  uint64_t age_seconds = 0;  // since the last one that did not fail
};

struct StatsReport {
  policy::StatisticsSnapshot statistics;
  std::vector<TopReport> top;
  std::vector<UnknownFactReport> unknown_facts;
  std::string policy_hash;
  std::string policy_file;
  std::string version;
  // Wall times: when it was made, when the daemon began, and when the policy
  // was installed. The latter two are noted once: worked out from ages, they
  // would differ from one report to the next.
  int64_t now_us = 0;
  int64_t started_us = 0;
  int64_t policy_loaded_us = 0;
  uint64_t uptime_seconds = 0;
  uint64_t policy_age_seconds = 0;
  uint64_t policy_load = 0;  // policies are numbered as they come, from 1 on
  StoreReport store;
  std::vector<policy::OpenConnections> connections;
  std::vector<ListReport> lists;
  std::optional<JournalReport> journal;
  std::optional<StateReport> state;
};

// So many keys of each list, at most.
inline constexpr size_t kTopKeys = 100;

// All kinds, for all periods.
std::vector<TopReport> ReportTop(const policy::TopLists& lists,
                                 int64_t wall_us);
// `changed_us`: when a file changed, wall time; 0: unknown.
std::vector<ListReport> ReportLists(
    const policy::Installed& installed, int64_t wall_us,
    const std::function<int64_t(const std::string& file)>& changed_us);
JournalReport ReportJournal(std::string folder,
                            const policy::JournalGauges& gauges);

}  // namespace gate::milter
