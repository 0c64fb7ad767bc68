// The default store: limits and bans in this process's memory.
//
// Sharded by key, bounded, expiring: an empty bucket and an ended ban are
// forgotten; when full, the entries nearest to empty go first (of a sample:
// memory_shard.h). Answers before Submit returns.
#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "policy/store.h"

namespace gate::policy {

struct MemoryStoreOptions {
  size_t max_entries = 1'000'000;  // all shards together, at least one each
};

class MemoryShard;

// Thread-safe; one mutex a shard, held for one key's arithmetic.
class MemoryStore : public Store {
 public:
  explicit MemoryStore(const MemoryStoreOptions& options = {});
  ~MemoryStore() override;
  void Submit(Batch& batch, Waiter& waiter) noexcept override;
  bool Post(const Effects& effects) noexcept override;

  // One look-up or effect, for a store that uses this one; out of memory: no
  // answer, and the effect is lost.
  Answer Ask(const Lookup& lookup, int64_t now_us) noexcept;
  void Apply(const Effect& effect, int64_t now_us) noexcept;

  size_t size() const;       // entries now
  uint64_t evicted() const;  // entries forgotten before their time

 private:
  static constexpr size_t kShards = 64;
  Answer TryAsk(const Lookup& lookup, int64_t now_us);
  void TryApply(const Effect& effect, int64_t now_us);

  std::array<std::unique_ptr<MemoryShard>, kShards> shards_;
};

}  // namespace gate::policy
