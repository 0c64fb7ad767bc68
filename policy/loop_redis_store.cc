#include "policy/loop_redis_store.h"

#include <new>

#include "policy/redis_script.h"

namespace gate::policy {
namespace {

// In a turn with thousands of events nobody is to wait for its end.
constexpr size_t kMostUnsent = 64;

}  // namespace

LoopRedisStore::LoopRedisStore(Loop& loop, const RedisOptions& options,
                               RedisObserver& observer)
    : client_(std::make_unique<RedisClient>(loop, options, observer)) {}

void LoopRedisStore::Submit(Batch& batch, Waiter& waiter) noexcept {
  if (!client_) return AnswerUnavailable(batch, waiter);
  client_->Ask(batch, waiter);
  if (++unsent_ >= kMostUnsent) Flush();
}

bool LoopRedisStore::Post(const Effects& effects) noexcept {
  if (!client_ || !client_->ready()) return false;
  try {
    command_.clear();
    const bool any = AppendPost(ScriptName::kHash, effects, command_);
    return !any || client_->Post(command_);
  } catch (const std::bad_alloc&) {
    return false;  // as if Redis were away
  }
}

void LoopRedisStore::Flush() noexcept {
  unsent_ = 0;
  if (client_) client_->Flush();
}

void LoopRedisStore::Shut() noexcept { client_.reset(); }

}  // namespace gate::policy
