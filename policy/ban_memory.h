// What this process last knew of bans, for the time when the store is away:
// banned = last known, else false (design.md section 4). Bounded.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

namespace gate::policy {

// Thread-safe. Only bans are kept, not their absence: as long as nobody is
// banned, no call takes the lock.
class BanMemory {
 public:
  static constexpr size_t kMaxBans = 65536;

  // `name` is the ban key's, `subject` its value. Until `until_us` (steady).
  void Remember(std::string_view name, std::string_view subject,
                int64_t until_us);
  void Forget(std::string_view name, std::string_view subject);
  bool Knows(std::string_view name, std::string_view subject,
             int64_t now_us) const;
  size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  using Key = std::string;  // name, NUL, subject
  // Of this thread, valid until its next call: to ask allocates nothing.
  static const Key& MakeKey(std::string_view name, std::string_view subject);

  mutable absl::Mutex mutex_;
  absl::flat_hash_map<Key, int64_t> until_us_ ABSL_GUARDED_BY(mutex_);
  std::atomic<size_t> size_ = 0;
};

}  // namespace gate::policy
