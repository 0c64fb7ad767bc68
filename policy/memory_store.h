// The default store: limits and bans in this process's memory.
//
// Sharded by key, bounded, expiring: an empty bucket and an ended ban are
// forgotten; when full, the entries nearest to empty go first. Answers before
// Submit returns.
#pragma once

#include <cstddef>
#include <memory>

#include "policy/store.h"

namespace gate::policy {

struct MemoryStoreOptions {
  size_t max_entries = 1'000'000;  // all shards together
};

// Thread-safe; one mutex a shard, held for one key's arithmetic.
class MemoryStore : public Store {
 public:
  explicit MemoryStore(const MemoryStoreOptions& options = {});
  ~MemoryStore() override;
  void Submit(Batch& batch, Waiter& waiter) noexcept override;
  void Post(const Effects& effects) noexcept override;
  size_t size() const;      // entries now
  uint64_t evicted() const; // entries forgotten before their time

 private:
  struct Shard;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gate::policy
