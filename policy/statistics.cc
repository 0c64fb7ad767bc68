#include "policy/statistics.h"

#include "policy/histogram_slots.h"

namespace gate::policy {
namespace {

constexpr std::array<std::string_view, kCounters> kCounterNames = {
    "connections",     "messages",     "recipients",       "plain_accepts",
    "repeats",         "failures",     "outage_local",     "outage_accept",
    "outage_defer",    "outage_bans",  "outage_events",    "store_trips",
    "not_given",       "aborts",       "log_dropped",      "turned_away",
    "drained",         "out_of_order", "unknown_commands", "malformed_packets",
    "too_big_packets", "half_packets", "idle_ended",       "records_dropped",
};

}  // namespace

std::string_view CounterName(Counter counter) {
  return kCounterNames[static_cast<size_t>(counter)];
}

Statistics::Statistics() { counters_.Append(kFirstFree); }

Statistics::Slot& Statistics::SlotOf(const RuleKey& key) {
  const auto [found, added] = rules_.try_emplace(key);
  if (added) found->second.counter = counters_.Append(2);
  return found->second;
}

Statistics::Slot& Statistics::SlotOf(const std::string& limit) {
  const auto [found, added] = limits_.try_emplace(limit);
  if (added) found->second.counter = counters_.Append(1);
  return found->second;
}

PolicySlots Statistics::Register(const rules::Policy& policy) {
  const absl::MutexLock lock(&mutex_);
  for (auto& [key, slot] : rules_) slot.installed = false;
  for (auto& [name, slot] : limits_) slot.installed = false;
  PolicySlots slots;
  slots.rules.reserve(policy.rules().size());
  for (const rules::Rule& rule : policy.rules()) {
    Slot& slot = SlotOf({rule.stage, rule.label, rule.action, rule.shadow});
    slot.installed = true;
    slots.rules.push_back(slot.counter);
  }
  for (const rules::Limit& limit : policy.limits()) {
    Slot& slot = SlotOf(limit.name);
    slot.installed = true;
    slots.limits.push_back(slot.counter);
  }
  return slots;
}

void Statistics::CountRule(uint32_t slot) noexcept { counters_.Add(slot, 1); }

void Statistics::CountRepeat(uint32_t slot) noexcept {
  if (slot != ShardedCounters::kNone) counters_.Add(slot + 1, 1);
}

void Statistics::CountOver(uint32_t limit_slot) noexcept {
  counters_.Add(limit_slot, 1);
}

void Statistics::Count(Counter counter) noexcept {
  counters_.Add(static_cast<uint32_t>(counter), 1);
}

void Statistics::CountDuration(rules::Stage stage, int64_t us) noexcept {
  const uint32_t histogram = StageHistogram(stage);
  counters_.Add(histogram + DurationBucket(us), 1);
  counters_.Add(histogram + kDurationSum, static_cast<uint64_t>(us));
}

void Statistics::CountStoreTrip(int64_t us) noexcept {
  counters_.Add(kStoreHistogram + DurationBucket(us), 1);
  counters_.Add(kStoreHistogram + kDurationSum, static_cast<uint64_t>(us));
}

void Statistics::Roll(int64_t wall_us) {
  const int64_t minute = wall_us / kMinuteUs;
  const absl::MutexLock lock(&mutex_);
  if (!minute_) minute_ = minute;
  if (minute == *minute_) return;
  const HistoryStep step = HistoryStep::Between(*minute_, minute);
  histories_.resize(counters_.size());
  for (uint32_t i = 0; i < histories_.size(); ++i) {
    if (i >= kFirstHistogram && i < kFirstFree) continue;
    const uint64_t total = counters_.Sum(i);
    if (!histories_[i]) {
      if (total == 0) continue;
      histories_[i] = std::make_unique<CounterHistory>();
    }
    histories_[i]->Take(total, *minute_);
    histories_[i]->Pass(step);
  }
  minute_ = minute;
}

const CounterHistory& Statistics::HistoryOf(uint32_t counter) const {
  static const CounterHistory kEmpty;
  const bool known = counter < histories_.size() && histories_[counter];
  return known ? *histories_[counter] : kEmpty;
}

uint64_t Statistics::RestoredOf(uint32_t counter) const {
  return counter < restored_.size() ? restored_[counter] : 0;
}

Tally Statistics::TallyOf(uint32_t counter) const {
  Tally tally =
      HistoryOf(counter).TallyOf(counters_.Sum(counter), minute_.value_or(0));
  tally.restored = RestoredOf(counter);
  return tally;
}

}  // namespace gate::policy
