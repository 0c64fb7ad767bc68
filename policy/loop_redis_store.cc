#include "policy/loop_redis_store.h"

#include "policy/redis_script.h"

namespace gate::policy {

LoopRedisStore::LoopRedisStore(Loop& loop, const RedisOptions& options,
                               RedisObserver& observer)
    : client_(std::make_unique<RedisClient>(loop, options, observer)) {}

void LoopRedisStore::Submit(Batch& batch, Waiter& waiter) noexcept {
  if (client_) return client_->Ask(batch, waiter);
  AnswerUnavailable(batch, waiter);
}

bool LoopRedisStore::Post(const Effects& effects) noexcept {
  if (!client_ || !client_->ready()) return false;
  command_.clear();
  if (AppendPost(ScriptName::kHash, effects, command_)) {
    client_->Post(command_);
  }
  return true;
}

void LoopRedisStore::Flush() noexcept {
  if (client_) client_->Flush();
}

void LoopRedisStore::Shut() noexcept { client_.reset(); }

}  // namespace gate::policy
