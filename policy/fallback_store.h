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

// Thread-safe.
class FallbackStore : public Store, private Waiter {
 public:
  // Both outlive it.
  FallbackStore(Store& shared, MemoryStore& local);
  void Submit(Batch& batch, Waiter& waiter) noexcept override;
  bool Post(const Effects& effects) noexcept override;

 private:
  using BanName = std::pair<std::string, std::string>;     // name, subject
  using LateBans = absl::flat_hash_map<BanName, int64_t>;  // to their end
  // An attack in an outage bans thousands; more of them are lost.
  static constexpr size_t kMaxLateBans = 10'000;
  // So many are delivered at once: nobody waits long behind them.
  static constexpr size_t kBansAtOnce = 256;

  void Done(Batch& batch) noexcept override;
  void KeepBan(const Effect& effect, int64_t now_us);
  // Bans that the shared store does not know of yet count, and go there.
  void DeliverBans(Batch& batch);
  static void MarkBanned(Batch& batch, const LateBans& bans);

  Store& shared_;
  MemoryStore& local_;
  absl::Mutex mutex_;
  LateBans late_bans_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> has_late_bans_ = false;
};

}  // namespace gate::policy
