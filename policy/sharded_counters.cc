#include "policy/sharded_counters.h"

namespace gate::policy {

// Spreads threads over shards; says nothing about connections.
size_t ShardedCounters::ThreadShard() {
  static std::atomic<size_t> next = 0;
  thread_local const size_t shard =
      next.fetch_add(1, std::memory_order_relaxed) % kShards;
  return shard;
}

void ShardedCounters::AddBlock() {
  const size_t block = blocks_.size() / kShards;
  for (Shard& shard : shards_) {
    blocks_.push_back(std::make_unique<Block>());
    shard.blocks[block].store(blocks_.back().get(), std::memory_order_release);
  }
}

uint32_t ShardedCounters::Append(size_t count) {
  if (size_ + count > kMaxBlocks * kBlockSize) return kNone;
  const auto first = static_cast<uint32_t>(size_);
  size_ += count;
  while (blocks_.size() / kShards * kBlockSize < size_) AddBlock();
  return first;
}

void ShardedCounters::Add(uint32_t counter, uint64_t number) noexcept {
  if (counter == kNone) return;
  Block* block = shards_[ThreadShard()].blocks[counter / kBlockSize].load(
      std::memory_order_acquire);
  block->values[counter % kBlockSize].fetch_add(number,
                                                std::memory_order_relaxed);
}

uint64_t ShardedCounters::Sum(uint32_t counter) const {
  uint64_t sum = 0;
  for (const Shard& shard : shards_) {
    const Block* block =
        shard.blocks[counter / kBlockSize].load(std::memory_order_acquire);
    sum += block->values[counter % kBlockSize].load(std::memory_order_relaxed);
  }
  return sum;
}

}  // namespace gate::policy
