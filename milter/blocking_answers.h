// For doors that have a thread for each connection.
#pragma once

#include "absl/synchronization/mutex.h"
#include "milter/connection.h"

namespace gate::milter {

// Holds the thread until the store has answered. Thread-safe.
class BlockingAnswers : public Answers {
 public:
  void Done(policy::Batch&) noexcept override {
    const absl::MutexLock lock(&mutex_);
    done_ = true;
  }
  bool Await() noexcept override {
    const absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&done_));
    done_ = false;
    return true;
  }

 private:
  absl::Mutex mutex_;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace gate::milter
