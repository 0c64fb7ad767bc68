// What the counters say, and going on from what they said before a restart.
#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>

#include "policy/histogram_slots.h"
#include "policy/statistics.h"

namespace gate::policy {
namespace {

constexpr int64_t kRememberedUs = int64_t{30} * 24 * 3600 * 1'000'000;

bool InOrder(const RuleCount& a, const RuleCount& b) {
  return std::tie(a.stage, b.held.total, a.rule, a.action, a.shadow) <
         std::tie(b.stage, a.held.total, b.rule, b.action, b.shadow);
}

}  // namespace

StatisticsSnapshot Statistics::Snapshot(size_t series) const {
  StatisticsSnapshot snapshot;
  const absl::MutexLock lock(&mutex_);
  snapshot.minute_us = minute_.value_or(0) * kMinuteUs;
  AddCounters(snapshot);
  AddRules(series, snapshot);
  AddLimits(snapshot);
  for (size_t i = 0; i < rules::kStageCount; ++i) {
    snapshot.events[i] =
        HistogramAt(StageHistogram(static_cast<rules::Stage>(i)));
  }
  snapshot.store = HistogramAt(kStoreHistogram);
  return snapshot;
}

void Statistics::AddCounters(StatisticsSnapshot& snapshot) const {
  for (uint32_t i = 0; i < kCounters; ++i) {
    snapshot.counters[i] = counters_.Sum(i);
    snapshot.restored[i] = RestoredOf(i);
    snapshot.counter_series[i] = HistoryOf(i).SeriesOf(snapshot.counters[i]);
  }
}

void Statistics::AddRules(size_t series, StatisticsSnapshot& snapshot) const {
  struct Entry {
    RuleCount count;
    uint32_t counter = 0;
  };
  std::vector<Entry> entries;
  for (const auto& [key, slot] : rules_) {
    if (slot.counter == ShardedCounters::kNone) continue;
    Tally held = TallyOf(slot.counter);
    if (held.total == 0 && !slot.installed) continue;
    entries.push_back({.count = {.stage = key.stage,
                                 .rule = key.label,
                                 .action = key.action,
                                 .shadow = key.shadow,
                                 .installed = slot.installed,
                                 .held = std::move(held),
                                 .repeats = TallyOf(slot.counter + 1)},
                       .counter = slot.counter});
  }
  std::ranges::sort(entries, [](const Entry& a, const Entry& b) {
    return std::tie(a.count.held.last_day, a.count.held.total, b.counter) >
           std::tie(b.count.held.last_day, b.count.held.total, a.counter);
  });
  for (size_t i = 0; i < entries.size(); ++i) {
    auto& [count, counter] = entries[i];
    if (i < series) {
      // Of the very total that is told: counting goes on meanwhile.
      count.held.series = HistoryOf(counter).SeriesOf(count.held.total);
      count.repeats.series =
          HistoryOf(counter + 1).SeriesOf(count.repeats.total);
    }
    snapshot.rules.push_back(std::move(count));
  }
  std::ranges::sort(snapshot.rules, InOrder);
}

void Statistics::AddLimits(StatisticsSnapshot& snapshot) const {
  for (const auto& [name, slot] : limits_) {
    if (slot.counter == ShardedCounters::kNone) continue;
    Tally over = TallyOf(slot.counter);
    if (over.total == 0 && !slot.installed) continue;
    over.series = HistoryOf(slot.counter).SeriesOf(over.total);
    snapshot.limits.push_back(
        {.limit = name, .installed = slot.installed, .over = std::move(over)});
  }
  std::ranges::sort(snapshot.limits, std::less<>(), &LimitCount::limit);
}

Histogram Statistics::HistogramAt(uint32_t counter) const {
  Histogram histogram;
  for (uint32_t i = 0; i <= kDurationBounds.size(); ++i) {
    const bool last = i == kDurationBounds.size();
    histogram.durations.push_back(
        {.up_to_us = last ? 0 : static_cast<uint64_t>(kDurationBounds[i]),
         .count = counters_.Sum(counter + i),
         .restored = RestoredOf(counter + i)});
  }
  histogram.sum_us = counters_.Sum(counter + kDurationSum);
  histogram.restored_sum_us = RestoredOf(counter + kDurationSum);
  return histogram;
}

void Statistics::Restore(const StatisticsSnapshot& saved) {
  const absl::MutexLock lock(&mutex_);
  minute_ = saved.minute_us / kMinuteUs;
  const auto forgotten = [&saved](const Slot& slot, const Tally& tally) {
    return !slot.installed && tally.last_us < saved.minute_us - kRememberedUs;
  };
  for (uint32_t i = 0; i < kCounters; ++i) {
    RestoreTally(
        i, {.total = saved.counters[i], .series = saved.counter_series[i]});
  }
  for (const RuleCount& rule : saved.rules) {
    const RuleKey key{rule.stage, rule.rule, rule.action, rule.shadow};
    const Slot& slot = SlotOf(key);
    if (forgotten(slot, rule.held)) continue;
    if (slot.counter == ShardedCounters::kNone) continue;
    RestoreTally(slot.counter, rule.held);
    RestoreTally(slot.counter + 1, rule.repeats);
  }
  for (const LimitCount& limit : saved.limits) {
    const Slot& slot = SlotOf(limit.limit);
    if (!forgotten(slot, limit.over)) RestoreTally(slot.counter, limit.over);
  }
  for (size_t i = 0; i < rules::kStageCount; ++i) {
    RestoreHistogram(StageHistogram(static_cast<rules::Stage>(i)),
                     saved.events[i]);
  }
  RestoreHistogram(kStoreHistogram, saved.store);
}

void Statistics::AddRestored(uint32_t counter, uint64_t count) {
  counters_.Add(counter, count);
  if (restored_.size() <= counter) restored_.resize(counter + 1);
  restored_[counter] += count;
}

void Statistics::RestoreTally(uint32_t counter, const Tally& saved) {
  if (counter == ShardedCounters::kNone || saved.total == 0) return;
  AddRestored(counter, saved.total);
  if (histories_.size() <= counter) histories_.resize(counter + 1);
  histories_[counter] = std::make_unique<CounterHistory>(saved);
}

void Statistics::RestoreHistogram(uint32_t counter, const Histogram& saved) {
  for (const DurationCount& saved_count : saved.durations) {
    const uint64_t up_to_us = saved_count.up_to_us;
    const uint32_t bucket =
        up_to_us == 0 ? kDurationBounds.size()
                      : DurationBucket(static_cast<int64_t>(up_to_us));
    AddRestored(counter + bucket, saved_count.count);
  }
  AddRestored(counter + kDurationSum, saved.sum_us);
}

}  // namespace gate::policy
