// The stores that the policy's settings name: memory, or a Redis with memory
// for the time when it is away.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "milter/log.h"
#include "policy/fallback_store.h"
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

// Thread-safe after construction. Says in the log when Redis comes and goes.
class Stores : private policy::RedisObserver {
 public:
  // Waits a moment for Redis, so that the first session finds shared limits.
  Stores(const std::optional<policy::RedisOptions>& redis, Log& log);
  policy::Store& store();
  StoreReport Report() const;

 private:
  void Shared(const rules::RedisAddress& redis) noexcept override;
  void Away(const rules::RedisAddress& redis,
            const std::string& why) noexcept override;

  Log& log_;
  const std::string name_;
  policy::MemoryStore memory_;
  mutable absl::Mutex mutex_;
  std::string why_ ABSL_GUARDED_BY(mutex_);
  std::optional<policy::FallbackStore> fallback_;
  // Goes first: it answers who still waits, through the fallback.
  std::optional<policy::RedisStore> redis_;
};

}  // namespace gate::milter
