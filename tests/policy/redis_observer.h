// Remembers what a RedisClient told about its breaker.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "policy/redis_client.h"
#include "tests/mta/child_process.h"

namespace gate::policy {

// Thread-safe.
class RecordingObserver : public RedisObserver {
 public:
  void Shared(const rules::RedisAddress&) noexcept override { Add("shared"); }
  void Away(const rules::RedisAddress&,
            const std::string& why) noexcept override {
    Add(why);
  }

  std::vector<std::string> told() const {
    const absl::MutexLock lock(&mutex_);
    return told_;
  }
  std::string last() const {
    const absl::MutexLock lock(&mutex_);
    return told_.empty() ? "" : told_.back();
  }
  // Waits until `count` things were told.
  bool Await(size_t count) const {
    return mta::WaitUntil([&] { return told().size() >= count; },
                          std::chrono::seconds(10));
  }

 private:
  void Add(const std::string& what) {
    const absl::MutexLock lock(&mutex_);
    told_.push_back(what);
  }

  mutable absl::Mutex mutex_;
  std::vector<std::string> told_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace gate::policy
