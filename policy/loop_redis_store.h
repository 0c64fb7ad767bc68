// A Redis asked by the loop that wants the answers: no thread and no lock in
// between. What one turn of the loop asks leaves in one write.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "policy/redis_client.h"
#include "policy/store.h"

namespace gate::policy {

// Confined to its loop: also Done is called there.
class LoopRedisStore : public Store {
 public:
  // Collaborators outlive it.
  LoopRedisStore(Loop& loop, const RedisOptions& options,
                 RedisObserver& observer);

  void Submit(Batch& batch, Waiter& waiter) noexcept override;
  bool Post(const Effects& effects) noexcept override;
  // To be called at the end of each turn.
  void Flush() noexcept;
  // Answers who still waits; from now on Redis is away.
  void Shut() noexcept;

 private:
  std::unique_ptr<RedisClient> client_;  // null: shut
  size_t unsent_ = 0;                    // questions
  std::string command_;                  // scratch
};

}  // namespace gate::policy
