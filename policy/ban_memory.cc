#include "policy/ban_memory.h"

#include <algorithm>

namespace gate::policy {

const BanMemory::Key& BanMemory::MakeKey(std::string_view name,
                                         std::string_view subject) {
  thread_local Key key;  // scratch: keeps its memory
  key.assign(name);
  key.push_back('\0');
  key.append(subject);
  return key;
}

void BanMemory::Remember(std::string_view name, std::string_view subject,
                         int64_t until_us) {
  const Key& key = MakeKey(name, subject);
  absl::MutexLock lock(&mutex_);
  const auto found = until_us_.find(key);
  if (found != until_us_.end()) {
    found->second = std::max(found->second, until_us);
    return;
  }
  // Full: the newest bans are the ones that still matter; any old one goes.
  if (until_us_.size() >= kMaxBans) until_us_.erase(until_us_.begin());
  until_us_.emplace(key, until_us);
  size_.store(until_us_.size(), std::memory_order_relaxed);
}

void BanMemory::Forget(std::string_view name, std::string_view subject) {
  if (size() == 0) return;
  const Key& key = MakeKey(name, subject);
  absl::MutexLock lock(&mutex_);
  until_us_.erase(key);
  size_.store(until_us_.size(), std::memory_order_relaxed);
}

bool BanMemory::Knows(std::string_view name, std::string_view subject,
                      int64_t now_us) const {
  if (size() == 0) return false;
  const Key& key = MakeKey(name, subject);
  absl::MutexLock lock(&mutex_);
  const auto found = until_us_.find(key);
  return found != until_us_.end() && found->second > now_us;
}

}  // namespace gate::policy
