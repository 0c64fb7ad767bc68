// One of the memory store's shards: the states of some keys under one lock.
//
// Entries lie densely in a vector, found through a hash set of their indices:
// so a cursor can walk them and a few can be compared for eviction. Every
// access looks at the next entries under the cursor and drops what has
// expired; there is no cleaning thread. When the shard is full, of
// kSample entries under the cursor the one that expires first makes room: an
// expired one, or the one nearest to empty of the sample.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "policy/limit_state.h"
#include "policy/store.h"
#include "rules/policy.h"

namespace gate::policy {

// Thread-safe.
class MemoryShard {
 public:
  explicit MemoryShard(size_t max_entries);

  Answer Charge(absl::string_view key, const rules::Limit& limit,
                uint64_t units, int64_t now_us) ABSL_LOCKS_EXCLUDED(mutex_);
  Answer Peek(absl::string_view key, const rules::Limit& limit, uint64_t units,
              int64_t now_us) ABSL_LOCKS_EXCLUDED(mutex_);
  // As LimitState::Add; nothing is given back to a key that is not known.
  void Add(absl::string_view key, const rules::Limit& limit, double units,
           int64_t now_us) ABSL_LOCKS_EXCLUDED(mutex_);
  // kOver while the key is banned.
  Answer Banned(absl::string_view key, int64_t now_us)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // A ban that ends later stays.
  void Ban(absl::string_view key, int64_t until_us, int64_t now_us)
      ABSL_LOCKS_EXCLUDED(mutex_);

  size_t size() const ABSL_LOCKS_EXCLUDED(mutex_);
  uint64_t evicted() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  static constexpr size_t kSweep = 2;    // entries looked at per access
  static constexpr size_t kSample = 16;  // entries compared to evict one

  struct Entry {
    std::string key;
    LimitState state;        // empty for a ban
    int64_t expires_us = 0;  // empty buckets, ended ban
  };
  using Entries = std::vector<Entry>;
  // Keys of the set are indices of entries; it is asked with the text.
  struct IndexHash {
    using is_transparent = void;
    const Entries* entries;
    size_t operator()(absl::string_view key) const {
      return absl::Hash<absl::string_view>()(key);
    }
    size_t operator()(uint32_t i) const { return (*this)((*entries)[i].key); }
  };
  struct IndexEqual {
    using is_transparent = void;
    const Entries* entries;
    bool operator()(uint32_t a, uint32_t b) const { return a == b; }
    bool operator()(uint32_t i, absl::string_view key) const {
      return (*entries)[i].key == key;
    }
    bool operator()(absl::string_view key, uint32_t i) const {
      return (*entries)[i].key == key;
    }
  };

  // Null when the key is not known.
  Entry* Find(absl::string_view key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Entry& FindOrInsert(absl::string_view key, int64_t now_us)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Erase(size_t i) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Sweep(int64_t now_us) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Evict(int64_t now_us) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The index under the cursor, which moves on. Requires: entries.
  size_t NextIndex() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t max_entries_;
  mutable absl::Mutex mutex_;
  Entries entries_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<uint32_t, IndexHash, IndexEqual> index_
      ABSL_GUARDED_BY(mutex_);
  size_t cursor_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t evicted_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace gate::policy
