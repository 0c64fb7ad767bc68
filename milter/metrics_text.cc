#include "milter/metrics_text.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "milter/exposition.h"
#include "milter/metrics_counters.h"

namespace gate::milter {
namespace {

using policy::RuleCount;

constexpr std::string_view kOthers = "(others)";

std::string_view Bool(bool value) { return value ? "true" : "false"; }

uint64_t Flag(bool value) { return value ? 1 : 0; }

uint64_t SinceStart(const policy::Tally& tally) {
  return tally.total - tally.restored;
}

// --- Rules and limits.

struct RuleSample {
  std::string_view rule;
  std::string_view stage;
  std::string_view action;
  bool shadow = false;
  uint64_t held = 0;
  uint64_t repeats = 0;

  MetricLabels Labels() const {
    return {{"rule", rule},
            {"stage", stage},
            {"action", action},
            {"shadow", Bool(shadow)}};
  }
};

// Which rules stand for themselves must not hang on their counts: each change
// would look like a restart of the others' counter.
std::vector<RuleSample> RuleSamples(const std::vector<RuleCount>& rules) {
  std::vector<const RuleCount*> order;
  order.reserve(rules.size());
  for (const RuleCount& rule : rules) order.push_back(&rule);
  std::ranges::sort(order, [](const RuleCount* a, const RuleCount* b) {
    return std::tie(b->installed, a->stage, a->rule, a->action, a->shadow) <
           std::tie(a->installed, b->stage, b->rule, b->action, b->shadow);
  });
  std::vector<RuleSample> samples;
  std::map<std::tuple<rules::Stage, rules::Action, bool>, RuleSample> others;
  for (const RuleCount* rule : order) {
    RuleSample sample{.rule = rule->rule,
                      .stage = rules::StageName(rule->stage),
                      .action = rules::ActionName(rule->action),
                      .shadow = rule->shadow,
                      .held = SinceStart(rule->held),
                      .repeats = SinceStart(rule->repeats)};
    if (samples.size() < kMostLabels) {
      samples.push_back(sample);
      continue;
    }
    sample.rule = kOthers;
    const auto [sum, added] =
        others.try_emplace({rule->stage, rule->action, rule->shadow}, sample);
    if (added) continue;
    sum->second.held += sample.held;
    sum->second.repeats += sample.repeats;
  }
  for (const auto& [key, sample] : others) samples.push_back(sample);
  return samples;
}

void AddRules(const policy::StatisticsSnapshot& statistics, Exposition& out) {
  const std::vector<RuleSample> samples = RuleSamples(statistics.rules);
  out.Counter("gatemilter_verdicts_total",
              "Events at which a rule held; shadow: would have.");
  for (const RuleSample& rule : samples) out.Add(rule.held, rule.Labels());
  out.Counter("gatemilter_verdict_repeats_total",
              "Events that were given the kept verdict of a rule.");
  for (const RuleSample& rule : samples) out.Add(rule.repeats, rule.Labels());
  uint64_t installed = 0;
  uint64_t never = 0;
  for (const RuleCount& rule : statistics.rules) {
    if (!rule.installed) continue;
    ++installed;
    if (rule.held.total == 0) ++never;
  }
  out.Gauge("gatemilter_policy_rules", "Rules of the installed policy.");
  out.Add(installed);
  out.Gauge("gatemilter_policy_rules_never_held",
            "Rules of the installed policy that never held.");
  out.Add(never);
}

void AddLimits(const policy::StatisticsSnapshot& statistics, Exposition& out) {
  if (statistics.limits.empty()) return;
  out.Counter("gatemilter_limit_over_total",
              "Look-ups of a limit that did not fit.");
  uint64_t others = 0;
  for (size_t i = 0; i < statistics.limits.size(); ++i) {
    const policy::LimitCount& limit = statistics.limits[i];
    if (i < kMostLabels) {
      out.Add(SinceStart(limit.over), {{"limit", limit.limit}});
    } else {
      others += SinceStart(limit.over);
    }
  }
  if (statistics.limits.size() > kMostLabels) {
    out.Add(others, {{"limit", kOthers}});
  }
}

// --- What is timed, what is missing.

void AddDurations(const policy::StatisticsSnapshot& statistics,
                  Exposition& out) {
  out.Histogram("gatemilter_event_seconds",
                "Time from an event of an MTA to the answer to it.");
  for (size_t i = 0; i < rules::kStageCount; ++i) {
    out.AddHistogram(
        statistics.events[i],
        {{"stage", rules::StageName(static_cast<rules::Stage>(i))}});
  }
  out.Histogram("gatemilter_store_seconds",
                "Time that events waited for the store.");
  out.AddHistogram(statistics.store);
}

void AddUnknownFacts(const std::vector<UnknownFactReport>& facts,
                     Exposition& out) {
  if (facts.empty()) return;
  out.Counter("gatemilter_unknown_fact_events_total",
              "Events that lacked a fact whose macro this kind of MTA never "
              "sent; tests of it were false.");
  for (const UnknownFactReport& unknown : facts) {
    out.Add(unknown.events, {{"fact", unknown.fact}, {"mta", unknown.mta}});
  }
}

// --- How things are.

void AddPolicy(const StatsReport& report, Exposition& out) {
  out.Gauge("gatemilter_build_info", "The version that runs.");
  out.Add(1, {{"version", report.version}});
  out.Gauge("gatemilter_start_time_seconds", "When it was started.");
  out.AddSeconds(report.started_us);
  out.Gauge("gatemilter_policy_info", "The installed policy.");
  out.Add(1, {{"file", report.policy_file}, {"hash", report.policy_hash}});
  out.Gauge("gatemilter_policy_load_timestamp_seconds",
            "When the installed policy was loaded.");
  out.AddSeconds(report.policy_loaded_us);
  out.Counter("gatemilter_policy_loads_total",
              "Policies that were installed, that of the start with them.");
  out.Add(report.policy_load);
}

void AddConnections(const StatsReport& report, Exposition& out) {
  std::map<std::string_view, uint64_t> open;
  for (const policy::OpenConnections& policy : report.connections) {
    open[policy.policy_hash] +=
        static_cast<uint64_t>(std::max<int64_t>(0, policy.open));
  }
  out.Gauge("gatemilter_connections_open",
            "Open connections, by the policy that decides them.");
  for (const auto& [hash, number] : open) out.Add(number, {{"hash", hash}});
}

void AddStore(const StoreReport& store, Exposition& out) {
  out.Gauge("gatemilter_store_info", "Where limits and bans live.");
  out.Add(1, {{"store", store.name}});
  out.Gauge("gatemilter_store_shared",
            "1: limits are shared with other gatemilters.");
  out.Add(Flag(store.shared));
  out.Gauge("gatemilter_outage", "1: the shared store is away.");
  out.Add(Flag(!store.why.empty()));
  out.Gauge("gatemilter_store_keys",
            "Keys of limits and bans in this process's memory.");
  out.Add(store.entries);
  out.Counter("gatemilter_store_evicted_total",
              "Keys forgotten before their time because memory was full.");
  out.Add(store.evicted);
}

void AddLists(const std::vector<ListReport>& lists, Exposition& out) {
  if (lists.empty()) return;
  const size_t own = std::min(lists.size(), kMostLabels);
  out.Gauge("gatemilter_list_entries", "Entries of a list.");
  uint64_t others = 0;
  for (size_t i = 0; i < lists.size(); ++i) {
    if (i < own) {
      out.Add(lists[i].entries, {{"list", lists[i].name}});
    } else {
      others += lists[i].entries;
    }
  }
  if (own < lists.size()) out.Add(others, {{"list", kOthers}});
}

void AddListAges(const std::vector<ListReport>& lists, Exposition& out) {
  bool begun = false;
  for (size_t i = 0; i < std::min(lists.size(), kMostLabels); ++i) {
    if (lists[i].file.empty()) continue;
    if (!begun) {
      out.Gauge("gatemilter_list_age_seconds",
                "Since the file changed whose contents a list has.");
    }
    begun = true;
    out.Add(lists[i].age_seconds, {{"list", lists[i].name}});
  }
}

void AddJournal(const JournalReport& journal, Exposition& out) {
  out.Gauge("gatemilter_journal_queue_bytes",
            "Bytes of decisions that wait to be written to the journal.");
  out.Add(journal.queued_bytes);
  out.Gauge("gatemilter_journal_queue_limit_bytes",
            "So many bytes of decisions may wait.");
  out.Add(journal.queue_bytes);
  out.Counter("gatemilter_journal_records_total",
              "Decisions written to the journal.");
  out.Add(journal.written);
  out.Counter("gatemilter_journal_dropped_total",
              "Decisions that the journal lost: the disk was full or slow.");
  out.Add(journal.dropped);
  out.Gauge("gatemilter_journal_files", "Files of the journal.");
  out.Add(journal.segments);
  out.Gauge("gatemilter_journal_size_bytes", "Bytes of all of them.");
  out.Add(journal.bytes);
  out.Gauge("gatemilter_journal_fault", "1: the journal does not write now.");
  out.Add(Flag(!journal.fault.empty()));
  if (journal.oldest_us == 0) return;
  out.Gauge("gatemilter_journal_oldest_timestamp_seconds",
            "When the oldest decision in the journal was made.");
  out.AddSeconds(journal.oldest_us);
}

void AddState(const StateReport& state, Exposition& out) {
  out.Gauge("gatemilter_state_fault", "1: the last save of statistics failed.");
  out.Add(Flag(!state.fault.empty()));
  out.Gauge("gatemilter_state_age_seconds",
            "Since statistics were saved for the last time.");
  out.Add(state.age_seconds);
}

}  // namespace

std::string MetricsText(const StatsReport& report) {
  Exposition out;
  AddPolicy(report, out);
  AddRules(report.statistics, out);
  AddLimits(report.statistics, out);
  AddDurations(report.statistics, out);
  AddConnections(report, out);
  AddStore(report.store, out);
  AddLists(report.lists, out);
  AddListAges(report.lists, out);
  if (report.journal) AddJournal(*report.journal, out);
  if (report.state) AddState(*report.state, out);
  AddUnknownFacts(report.unknown_facts, out);
  AddCounters(report.statistics, out);
  return out.Take();
}

}  // namespace gate::milter
