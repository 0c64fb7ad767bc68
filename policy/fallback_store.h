// A shared store, and this process's memory for the time when it is away.
//
// Asks the shared one. What it does not answer is counted in memory where the
// limit says `outage local`; everything else stays kUnavailable and is the
// engine's to decide. Bans that the shared store did not take are kept and
// delivered once it is back.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "policy/clock.h"
#include "policy/memory_store.h"
#include "policy/store.h"

namespace gate::policy {

// Bans that a shared store did not take: of a process, whatever number of
// connections to Redis it has. Thread-safe.
class LateBans {
 public:
  using Name = std::pair<std::string, std::string>;  // ban key, subject
  using Map = absl::flat_hash_map<Name, int64_t>;    // to their end, steady us

  // Without memory, or if there are too many, it is lost.
  void Keep(const Effect& effect, int64_t now_us);
  bool any() const { return any_; }
  // All of them; none are left.
  Map Take();

 private:
  // An attack in an outage bans thousands; more of them are lost.
  static constexpr size_t kMost = 10'000;

  absl::Mutex mutex_;
  Map bans_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> any_ = false;
};

// Thread-safe.
class FallbackStore : public Store, private Waiter {
 public:
  // All outlive it.
  FallbackStore(Store& shared, MemoryStore& local, LateBans& late_bans);
  void Submit(Batch& batch, Waiter& waiter) noexcept override;
  bool Post(const Effects& effects) noexcept override;

 private:
  // So many are delivered at once: nobody waits long behind them.
  static constexpr size_t kBansAtOnce = 256;

  void Done(Batch& batch) noexcept override;
  // Bans that the shared store does not know of yet count, and go there.
  void DeliverBans(Batch& batch);
  static void MarkBanned(Batch& batch, const LateBans::Map& bans);

  Store& shared_;
  MemoryStore& local_;
  LateBans& late_bans_;
};

}  // namespace gate::policy
