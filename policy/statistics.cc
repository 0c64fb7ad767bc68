#include "policy/statistics.h"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "rules/facts.h"

namespace gate::policy {
namespace {

constexpr size_t kCounters = static_cast<size_t>(Counter::kCount);
constexpr std::array<std::string_view, kCounters> kCounterNames = {
    "connections",  "messages",         "recipients",        "plain_accepts",
    "repeats",      "failures",         "outage_local",      "outage_accept",
    "outage_defer", "outage_bans",      "store_trips",       "not_given",
    "aborts",       "log_dropped",      "turned_away",       "drained",
    "out_of_order", "unknown_commands", "malformed_packets", "too_big_packets",
    "half_packets", "idle_ended",       "records_dropped",
};

// Microseconds.
constexpr std::array<int64_t, 17> kDurationBounds = {
    10,     20,     50,     100,    200,     500,     1'000,   2'000,    5'000,
    10'000, 20'000, 50'000, 75'000, 100'000, 200'000, 500'000, 1'000'000};

constexpr size_t kShards = 16;
constexpr size_t kBlockSlots = 512;
constexpr size_t kMaxBlocks = 1024;
// Rules beyond all blocks (half a million labels in one process's life) are
// not counted.
constexpr uint32_t kNoSlot = UINT32_MAX;

using Value = std::atomic<uint64_t>;
struct Block {
  std::array<Value, kBlockSlots> values{};
};

// Counters of the threads that share this shard. Blocks are only added, so
// that counting needs no lock.
struct alignas(64) Shard {
  std::array<Value, kCounters> counters{};
  std::array<Value, kDurationBounds.size() + 1> durations{};
  std::array<std::atomic<Block*>, kMaxBlocks> blocks{};
};

// Spreads threads over shards; says nothing about connections.
size_t ThreadShard() {
  static std::atomic<size_t> next = 0;
  thread_local const size_t shard =
      next.fetch_add(1, std::memory_order_relaxed) % kShards;
  return shard;
}

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

}  // namespace

std::string_view CounterName(Counter counter) {
  return kCounterNames[static_cast<size_t>(counter)];
}

struct Statistics::Impl {
  std::array<Shard, kShards> shards;

  mutable absl::Mutex mutex;
  absl::flat_hash_map<RuleKey, uint32_t> slots ABSL_GUARDED_BY(mutex);
  std::vector<bool> installed ABSL_GUARDED_BY(mutex);  // by slot
  std::vector<std::unique_ptr<Block>> blocks ABSL_GUARDED_BY(mutex);

  uint32_t SlotOf(const rules::Rule& rule) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void AddBlock() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  uint64_t Sum(uint32_t slot) const;
};

uint32_t Statistics::Impl::SlotOf(const rules::Rule& rule) {
  const auto slot = static_cast<uint32_t>(slots.size());
  const auto [found, added] = slots.try_emplace(
      RuleKey{rule.stage, rule.label, rule.action, rule.shadow}, slot);
  if (!added) return found->second;
  if (slot / kBlockSlots >= kMaxBlocks) {
    slots.erase(found);
    return kNoSlot;
  }
  if (slot % kBlockSlots == 0) AddBlock();
  installed.push_back(false);
  return slot;
}

void Statistics::Impl::AddBlock() {
  const size_t block = blocks.size() / kShards;
  for (Shard& shard : shards) {
    blocks.push_back(std::make_unique<Block>());
    shard.blocks[block].store(blocks.back().get(), std::memory_order_release);
  }
}

uint64_t Statistics::Impl::Sum(uint32_t slot) const {
  uint64_t sum = 0;
  for (const Shard& shard : shards) {
    const Block* block =
        shard.blocks[slot / kBlockSlots].load(std::memory_order_acquire);
    sum += block->values[slot % kBlockSlots].load(std::memory_order_relaxed);
  }
  return sum;
}

Statistics::Statistics() : impl_(std::make_unique<Impl>()) {}
Statistics::~Statistics() = default;

RuleSlots Statistics::Register(const rules::Policy& policy) {
  const absl::MutexLock lock(&impl_->mutex);
  impl_->installed.assign(impl_->installed.size(), false);
  RuleSlots slots;
  slots.reserve(policy.rules().size());
  for (const rules::Rule& rule : policy.rules()) {
    slots.push_back(impl_->SlotOf(rule));
    if (slots.back() != kNoSlot) impl_->installed[slots.back()] = true;
  }
  return slots;
}

void Statistics::CountRule(uint32_t slot) noexcept {
  if (slot == kNoSlot) return;
  Block* block = impl_->shards[ThreadShard()].blocks[slot / kBlockSlots].load(
      std::memory_order_acquire);
  block->values[slot % kBlockSlots].fetch_add(1, std::memory_order_relaxed);
}

void Statistics::Count(Counter counter) noexcept {
  impl_->shards[ThreadShard()].counters[static_cast<size_t>(counter)].fetch_add(
      1, std::memory_order_relaxed);
}

void Statistics::CountDuration(int64_t us) noexcept {
  const auto bound = std::ranges::lower_bound(kDurationBounds, us);
  const auto i = static_cast<size_t>(bound - kDurationBounds.begin());
  impl_->shards[ThreadShard()].durations[i].fetch_add(
      1, std::memory_order_relaxed);
}

StatisticsSnapshot Statistics::Snapshot() const {
  StatisticsSnapshot snapshot;
  for (const Shard& shard : impl_->shards) {
    for (size_t i = 0; i < kCounters; ++i) {
      snapshot.counters[i] += shard.counters[i].load(std::memory_order_relaxed);
    }
  }
  for (size_t i = 0; i <= kDurationBounds.size(); ++i) {
    DurationCount duration;
    if (i < kDurationBounds.size()) {
      duration.up_to_us = static_cast<uint64_t>(kDurationBounds[i]);
    }
    for (const Shard& shard : impl_->shards) {
      duration.count += shard.durations[i].load(std::memory_order_relaxed);
    }
    snapshot.durations.push_back(duration);
  }
  const absl::MutexLock lock(&impl_->mutex);
  for (const auto& [key, slot] : impl_->slots) {
    const uint64_t count = impl_->Sum(slot);
    if (count == 0 && !impl_->installed[slot]) continue;
    snapshot.rules.push_back(
        {key.stage, key.label, key.action, key.shadow, count});
  }
  std::sort(snapshot.rules.begin(), snapshot.rules.end(),
            [](const RuleCount& a, const RuleCount& b) {
              return std::tie(a.stage, b.count, a.rule, a.action, a.shadow) <
                     std::tie(b.stage, a.count, b.rule, b.action, b.shadow);
            });
  return snapshot;
}

}  // namespace gate::policy
