// Counters of verdicts by stage, rule and action. Outlive policies: a rule is
// known by stage, label, action and whether it is shadow; a limit by its name.
//
// Counting takes no lock, allocates nothing and reads no clock: counters are
// sharded by thread. What they counted in the last hour and day is made of
// their totals by Roll, which a background thread calls about once a second.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "policy/counter_history.h"
#include "policy/sharded_counters.h"
#include "rules/policy.h"

namespace gate::policy {

// What is counted besides rules.
enum class Counter : uint8_t {
  kConnections,   // opened
  kMessages,      // ended by end of message
  kRecipients,    // RCPT events
  kPlainAccepts,  // events that no deciding rule ended
  kRepeats,       // kept verdicts given again
  kFailures,      // gatemilter's own failures
  // Look-ups that the shared store did not answer, by what happened instead.
  kOutageLocal,   // a limit counted in this process's memory
  kOutageAccept,  // a limit taken as not over
  kOutageDefer,   // a limit whose rules defer
  kOutageBans,    // a ban taken as last known
  kOutageEvents,  // events deferred because of kOutageDefer
  kStoreTrips,    // batches submitted
  kNotGiven,      // refusals of local submissions that were only logged
  kAborts,
  kLogDropped,  // lines beyond the log's queue or its allowance
  // Why the native door ended a connection, or found something odd about it.
  kTurnedAway,        // more than max-connections: answered 421
  kDrained,           // went on after the drain's end: answered 421
  kOutOfOrder,        // commands that do not fit what came before
  kUnknownCommands,   // no command of the milter protocol
  kMalformedPackets,  // arguments that do not fit the command
  kTooBigPackets,     // more than the protocol allows, or empty
  kHalfPackets,       // the rest did not come in time
  kIdleEnded,         // nothing came for hours
  kRecordsDropped,    // decisions that were not shown or kept: queue full
  kCount,
};
std::string_view CounterName(Counter counter);  // "connections"

inline constexpr size_t kCounters = static_cast<size_t>(Counter::kCount);

struct RuleCount {
  rules::Stage stage = rules::Stage::kConnect;
  std::string rule = {};
  rules::Action action = rules::Action::kAccept;
  bool shadow = false;
  bool installed = false;  // in the installed policy; else it held earlier
  Tally held = {};         // shadow: what it would have done
  Tally repeats = {};      // its kept verdict was given, or given again
};

struct LimitCount {
  std::string limit = {};
  bool installed = false;
  Tally over = {};  // look-ups that did not fit
};

// Durations longer than the bound before, and not longer than this one.
struct DurationCount {
  uint64_t up_to_us = 0;  // 0: the last one, without an end
  uint64_t count = 0;
  uint64_t restored = 0;  // of the count: before the start
};

struct Histogram {
  std::vector<DurationCount> durations = {};  // ascending
  uint64_t sum_us = 0;
  uint64_t restored_sum_us = 0;
};

// What was counted before the start is known only in the process itself: a
// file or an answer has totals.
struct StatisticsSnapshot {
  std::array<uint64_t, kCounters> counters{};
  std::array<uint64_t, kCounters> restored{};  // of counters
  std::array<CounterSeries, kCounters> counter_series{};
  // Of the installed policy (also what never held) and of earlier ones, if it
  // has counts. Rules are ordered by stage, then count downwards; limits by
  // name. Of rules, those with the most in the last day have series.
  std::vector<RuleCount> rules;
  std::vector<LimitCount> limits;
  // Events, from the MTA's command to the answer to it; by stage.
  std::array<Histogram, rules::kStageCount> events;
  Histogram store;        // trips of look-ups, as events waited for them
  int64_t minute_us = 0;  // the minute under way began then; 0: none has yet
};

// The counters of a policy's rules and limits: index = RuleId, LimitId.
struct PolicySlots {
  std::vector<uint32_t> rules;
  std::vector<uint32_t> limits;
};

// Thread-safe.
class Statistics {
 public:
  // Rules that have series in a snapshot, if not said otherwise.
  static constexpr size_t kSeries = 200;

  Statistics();
  // Makes counters for what `policy` has; equal rules and limits keep theirs.
  PolicySlots Register(const rules::Policy& policy) ABSL_LOCKS_EXCLUDED(mutex_);
  void CountRule(uint32_t slot) noexcept;
  // The rule's kept verdict was given.
  void CountRepeat(uint32_t slot) noexcept;
  void CountOver(uint32_t limit_slot) noexcept;
  void Count(Counter counter) noexcept;
  // An event of this stage was decided within `us` microseconds.
  void CountDuration(rules::Stage stage, int64_t us) noexcept;
  void CountStoreTrip(int64_t us) noexcept;

  // Counts until now belong to the minute under way. A leap of the wall clock
  // forward is taken as time that passed.
  void Roll(int64_t wall_us) ABSL_LOCKS_EXCLUDED(mutex_);
  StatisticsSnapshot Snapshot(size_t series = kSeries) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Adds what a snapshot with all series said. What no policy has any more is
  // forgotten, if it did not count in the 30 days before.
  // Requires: Roll was not called yet; the policy is installed.
  void Restore(const StatisticsSnapshot& saved) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct RuleKey {
    rules::Stage stage;
    std::string label;
    rules::Action action;
    bool shadow;

    friend bool operator==(const RuleKey&, const RuleKey&) = default;
    template <typename H>
    friend H AbslHashValue(H hash, const RuleKey& key) {
      return H::combine(std::move(hash), key.stage, key.label, key.action,
                        key.shadow);
    }
  };
  struct Slot {
    uint32_t counter = ShardedCounters::kNone;  // rules: the first of two
    bool installed = false;
  };
  using RuleMap = absl::flat_hash_map<RuleKey, Slot>;
  using LimitMap = absl::flat_hash_map<std::string, Slot>;

  Slot& SlotOf(const RuleKey& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Slot& SlotOf(const std::string& limit) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  const CounterHistory& HistoryOf(uint32_t counter) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  Tally TallyOf(uint32_t counter) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  uint64_t RestoredOf(uint32_t counter) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // statistics_snapshot.cc
  Histogram HistogramAt(uint32_t counter) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void AddCounters(StatisticsSnapshot& snapshot) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void AddRules(size_t series, StatisticsSnapshot& snapshot) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void AddLimits(StatisticsSnapshot& snapshot) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void AddRestored(uint32_t counter, uint64_t count)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RestoreTally(uint32_t counter, const Tally& saved)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RestoreHistogram(uint32_t counter, const Histogram& saved)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // First those of enum Counter, then the histograms', then two a rule (held,
  // repeats) and one a limit, as they come. Appended to under mutex_.
  ShardedCounters counters_;
  mutable absl::Mutex mutex_;
  RuleMap rules_ ABSL_GUARDED_BY(mutex_);
  LimitMap limits_ ABSL_GUARDED_BY(mutex_);
  // By counter; null: it never counted before this minute.
  std::vector<std::unique_ptr<CounterHistory>> histories_
      ABSL_GUARDED_BY(mutex_);
  // By counter, as far as there is anything: what Restore added.
  std::vector<uint64_t> restored_ ABSL_GUARDED_BY(mutex_);
  // Minutes since 1970 of that under way.
  std::optional<int64_t> minute_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace gate::policy
