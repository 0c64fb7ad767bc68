// Limits and bans in a Redis: shared by all gatemilters of a site.
//
// One RedisClient on an event loop of its own thread serves all callers: what
// they submit while the loop is busy leaves in one write. Times are Redis's.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "policy/loop.h"
#include "policy/redis_client.h"
#include "policy/store.h"

namespace gate::policy {

// Thread-safe; one mutex, held to append to a list.
class RedisStore : public Store, private RedisObserver {
 public:
  // Starts the thread and begins to connect. The observer is called on that
  // thread and outlives the store.
  RedisStore(const RedisOptions& options, RedisObserver& observer);
  // Answers who still waits.
  ~RedisStore() override;

  // Until it is known for the first time whether Redis can be used; false:
  // that took longer.
  bool AwaitFirstOutcome(absl::Duration patience);
  // The gauge: whether limits are shared now.
  bool shared() const { return client_->ready(); }

  void Submit(Batch& batch, Waiter& waiter) noexcept override;
  bool Post(const Effects& effects) noexcept override;

 private:
  struct Question {
    Batch* batch;
    Waiter* waiter;
  };
  // What callers left for the loop; its memory is used again.
  struct Inbox {
    std::vector<Question> questions;
    std::vector<std::string> commands;
    size_t command_count = 0;

    bool empty() const { return questions.empty() && command_count == 0; }
  };

  void Shared(const rules::RedisAddress& redis) noexcept override;
  void Away(const rules::RedisAddress& redis,
            const std::string& why) noexcept override;
  void Drain();

  RedisObserver& observer_;
  Loop loop_;
  absl::Mutex mutex_;
  Inbox inbox_ ABSL_GUARDED_BY(mutex_);
  bool first_outcome_ ABSL_GUARDED_BY(mutex_) = false;
  Inbox draining_;  // the loop's own
  std::unique_ptr<LoopWake> wake_;
  std::unique_ptr<RedisClient> client_;
  std::thread thread_;
};

}  // namespace gate::policy
