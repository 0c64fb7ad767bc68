// Counters of verdicts by stage, rule and action. Outlive policies: a rule is
// known by stage, label, action and whether it is shadow.
//
// Thread-safe; counting takes no lock: counters are sharded by thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
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

struct RuleCount {
  rules::Stage stage;
  std::string rule;
  rules::Action action;
  bool shadow = false;
  uint64_t count = 0;
};

// Events whose decision took longer than the bound before, and not longer than
// this one, from the MTA's command to the answer to it.
struct DurationCount {
  uint64_t up_to_us = 0;  // 0: the last one, without an end
  uint64_t count = 0;
};

struct StatisticsSnapshot {
  std::array<uint64_t, static_cast<size_t>(Counter::kCount)> counters{};
  // Rules of the installed policy (also those that never held) and those of
  // earlier ones that have counts; ordered by stage, then count downwards.
  std::vector<RuleCount> rules;
  std::vector<DurationCount> durations;  // ascending
};

// Slots of a policy's rules: index = RuleId.
using RuleSlots = std::vector<uint32_t>;

class Statistics {
 public:
  Statistics();
  ~Statistics();
  // Allocates slots for the rules of `policy`; equal rules keep theirs.
  RuleSlots Register(const rules::Policy& policy);
  void CountRule(uint32_t slot) noexcept;
  void Count(Counter counter) noexcept;
  // An event was decided within `us` microseconds.
  void CountDuration(int64_t us) noexcept;
  StatisticsSnapshot Snapshot() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gate::policy
