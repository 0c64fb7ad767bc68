// Counters that many threads count at once: sharded by thread, so that counting
// is one addition to memory that is nearly always the thread's own.
//
// Thread-safe, but for Append.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace gate::policy {

class ShardedCounters {
 public:
  // Counts nothing.
  static constexpr uint32_t kNone = UINT32_MAX;

  ShardedCounters() = default;
  ShardedCounters(const ShardedCounters&) = delete;
  ShardedCounters& operator=(const ShardedCounters&) = delete;

  // `count` new ones that begin at 0, one after the other; the first of them.
  // kNone: there are a million already. Requires: one thread at a time.
  uint32_t Append(size_t count);
  size_t size() const { return size_; }

  // Takes no lock and allocates nothing.
  void Add(uint32_t counter, uint64_t number) noexcept;
  uint64_t Sum(uint32_t counter) const;

 private:
  static constexpr size_t kShards = 16;
  static constexpr size_t kBlockSize = 512;
  static constexpr size_t kMaxBlocks = 2048;

  using Value = std::atomic<uint64_t>;
  struct Block {
    std::array<Value, kBlockSize> values{};
  };
  // Blocks are only added: whoever has seen a counter finds its block.
  struct alignas(64) Shard {
    std::array<std::atomic<Block*>, kMaxBlocks> blocks{};
  };

  static size_t ThreadShard();
  void AddBlock();

  std::array<Shard, kShards> shards_;
  std::vector<std::unique_ptr<Block>> blocks_;  // of all shards
  size_t size_ = 0;
};

}  // namespace gate::policy
