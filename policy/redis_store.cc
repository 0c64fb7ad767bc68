#include "policy/redis_store.h"

#include <pthread.h>
#include <sched.h>

#include <new>
#include <utility>

#include "policy/redis_script.h"
#include "policy/thread_name.h"

namespace gate::policy {
namespace {

// A woken thread of this class does not interrupt the one that runs: on a busy
// machine the callers that are about to ask do so first, and share one write.
void PreferBatches() {
  const sched_param none = {};
  pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
}

}  // namespace

RedisStore::RedisStore(const RedisOptions& options, RedisObserver& observer)
    : observer_(observer),
      wake_(std::make_unique<LoopWake>(loop_, [this] { Drain(); })),
      client_(std::make_unique<RedisClient>(
          loop_, options, static_cast<RedisObserver&>(*this))),
      thread_([this] {
        NameThread("redis");
        PreferBatches();
        loop_.Run();
      }) {}

RedisStore::~RedisStore() {
  loop_.Stop();
  thread_.join();
  Drain();
  // Its destructor answers those who wait.
  client_.reset();
  wake_.reset();
}

bool RedisStore::AwaitFirstOutcome(absl::Duration patience) {
  const absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&first_outcome_), patience);
}

void RedisStore::Submit(Batch& batch, Waiter& waiter) noexcept {
  if (shared()) {
    try {
      const absl::MutexLock lock(&mutex_);
      inbox_.questions.push_back({&batch, &waiter});
      wake_->Notify();
      return;
    } catch (const std::bad_alloc&) {
      // As if Redis were away.
    }
  }
  AnswerUnavailable(batch, waiter);
}

bool RedisStore::Post(const Effects& effects) noexcept {
  if (!shared()) return false;
  try {
    const absl::MutexLock lock(&mutex_);
    if (inbox_.command_count == inbox_.commands.size()) {
      inbox_.commands.emplace_back();
    }
    std::string& command = inbox_.commands[inbox_.command_count];
    command.clear();
    if (AppendPost(ScriptName::kHash, effects, command)) {
      ++inbox_.command_count;
      wake_->Notify();
    }
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

// Effects go first: who posts and then submits sees what he posted.
void RedisStore::Drain() {
  {
    const absl::MutexLock lock(&mutex_);
    std::swap(inbox_, draining_);
  }
  for (size_t i = 0; i < draining_.command_count; ++i) {
    client_->Post(draining_.commands[i]);
  }
  for (const Question& question : draining_.questions) {
    client_->Ask(*question.batch, *question.waiter);
  }
  client_->Flush();
  draining_.command_count = 0;
  draining_.questions.clear();
}

void RedisStore::Shared(const rules::RedisAddress& redis) noexcept {
  observer_.Shared(redis);
  const absl::MutexLock lock(&mutex_);
  first_outcome_ = true;
}

void RedisStore::Away(const rules::RedisAddress& redis,
                      const std::string& why) noexcept {
  observer_.Away(redis, why);
  const absl::MutexLock lock(&mutex_);
  first_outcome_ = true;
}

}  // namespace gate::policy
