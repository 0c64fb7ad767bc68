// The stores that the policy's settings name: memory, or a Redis with memory
// for the time when it is away.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "milter/log.h"
#include "policy/fallback_store.h"
#include "policy/loop_redis_store.h"
#include "policy/memory_store.h"
#include "policy/redis_store.h"
#include "rules/policy.h"

namespace gate::milter {

// What is to be known of Redis before the daemon gives up its privileges: the
// password file may be root's. None: limits live in memory.
absl::StatusOr<std::optional<policy::RedisOptions>> ReadRedisOptions(
    const rules::Settings& settings);

// For `stats`.
struct StoreReport {
  std::string name;     // "memory", "redis 127.0.0.1:6379"
  bool shared = false;  // the gauge: Redis answers now
  std::string why;      // it does not: "no answer within 50 ms"
  uint64_t entries = 0;
  uint64_t evicted = 0;
};

// The store as one event loop asks it. Confined to its loop.
class LoopStore {
 public:
  virtual ~LoopStore() = default;
  virtual policy::Store& store() = 0;
  // Whether it is known how the store is: asking before finds it away.
  virtual bool settled() const = 0;
  // What this turn of the loop has asked leaves.
  virtual void EndTurn() noexcept = 0;
  // Answers who still waits; to be called before the loop goes.
  virtual void Shut() noexcept = 0;
};

// Thread-safe. Says in the log when Redis comes and goes: for all who ask it
// together.
class Stores {
 public:
  Stores(const std::optional<policy::RedisOptions>& redis, Log& log);
  // Requires: all LoopStores are gone.
  ~Stores();

  // For threads that wait for their answers. The first call waits a moment
  // for Redis, so that the first session finds shared limits.
  policy::Store& ForThreads();
  // With a connection to Redis of its own.
  std::unique_ptr<LoopStore> ForLoop(policy::Loop& loop);

  StoreReport Report() const;

 private:
  // One connection to Redis.
  class Link;
  class MemoryLoopStore;
  class RedisLoopStore;
  struct ThreadStore;

  Link& AddLink();
  // A link has come or gone.
  void Tell() ABSL_LOCKS_EXCLUDED(mutex_);
  bool AllShared() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Log& log_;
  const std::optional<policy::RedisOptions> redis_;
  const std::string name_;
  policy::MemoryStore memory_;
  policy::LateBans late_bans_;
  mutable absl::Mutex mutex_;
  std::vector<std::unique_ptr<Link>> links_ ABSL_GUARDED_BY(mutex_);
  bool told_shared_ ABSL_GUARDED_BY(mutex_) = false;
  std::string told_why_ ABSL_GUARDED_BY(mutex_);
  // Goes first: it answers who still waits.
  std::unique_ptr<ThreadStore> threads_;
};

}  // namespace gate::milter
