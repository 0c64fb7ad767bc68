#include "milter/stores.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "milter/password_file.h"

namespace gate::milter {
namespace {

constexpr absl::Duration kFirstOutcome = absl::Seconds(2);

}  // namespace

absl::StatusOr<std::optional<policy::RedisOptions>> ReadRedisOptions(
    const rules::Settings& settings) {
  if (!settings.redis) return std::nullopt;
  policy::RedisOptions options;
  options.address = settings.redis->address;
  options.user = settings.redis->user;
  options.database = settings.redis->database;
  options.deadline_us = settings.redis_deadline_us;
  if (!settings.redis->password_file.empty()) {
    absl::StatusOr<std::string> password =
        ReadPasswordFile(settings.redis->password_file);
    if (!password.ok()) return password.status();
    options.password = *std::move(password);
  }
  return options;
}

class Stores::Link : public policy::RedisObserver {
 public:
  explicit Link(Stores& stores) : stores_(stores) {}

  void Shared(const rules::RedisAddress&) noexcept override { Set(/*why=*/{}); }
  void Away(const rules::RedisAddress&,
            const std::string& why) noexcept override {
    Set(why);
  }

  // Whether it was heard of Redis.
  bool settled() const { return settled_; }
  // Requires: the lock of its Stores.
  bool shared() const { return settled_ && why_.empty(); }
  const std::string& why() const { return why_; }

 private:
  void Set(const std::string& why) {
    {
      const absl::MutexLock lock(&stores_.mutex_);
      why_ = why;
      settled_ = true;
    }
    stores_.Tell();
  }

  Stores& stores_;
  std::atomic<bool> settled_ = false;
  std::string why_;
};

class Stores::MemoryLoopStore : public LoopStore {
 public:
  explicit MemoryLoopStore(policy::Store& memory) : memory_(memory) {}
  policy::Store& store() override { return memory_; }
  bool settled() const override { return true; }
  void EndTurn() noexcept override {}
  void Shut() noexcept override {}

 private:
  policy::Store& memory_;
};

class Stores::RedisLoopStore : public LoopStore {
 public:
  RedisLoopStore(policy::Loop& loop, const policy::RedisOptions& options,
                 Link& link, policy::MemoryStore& memory,
                 policy::LateBans& late_bans)
      : link_(link),
        redis_(loop, options, link),
        store_(redis_, memory, late_bans) {}
  policy::Store& store() override { return store_; }
  bool settled() const override { return link_.settled(); }
  void EndTurn() noexcept override { redis_.Flush(); }
  void Shut() noexcept override { redis_.Shut(); }

 private:
  Link& link_;
  policy::LoopRedisStore redis_;
  policy::FallbackStore store_;
};

struct Stores::ThreadStore {
  ThreadStore(const policy::RedisOptions& options, Link& link,
              policy::MemoryStore& memory, policy::LateBans& late_bans)
      : store(redis, memory, late_bans), redis(options, link) {}
  policy::FallbackStore store;
  // Goes first: it answers who still waits, through `store`.
  policy::RedisStore redis;
};

Stores::Stores(const std::optional<policy::RedisOptions>& redis, Log& log)
    : log_(log),
      redis_(redis),
      name_(redis ? "redis " + redis->address.ToString() : "memory") {}

Stores::~Stores() = default;

Stores::Link& Stores::AddLink() {
  const absl::MutexLock lock(&mutex_);
  return *links_.emplace_back(std::make_unique<Link>(*this));
}

policy::Store& Stores::ForThreads() {
  if (!redis_) return memory_;
  if (!threads_) {
    threads_ =
        std::make_unique<ThreadStore>(*redis_, AddLink(), memory_, late_bans_);
    threads_->redis.AwaitFirstOutcome(kFirstOutcome);
  }
  return threads_->store;
}

std::unique_ptr<LoopStore> Stores::ForLoop(policy::Loop& loop) {
  if (!redis_) return std::make_unique<MemoryLoopStore>(memory_);
  return std::make_unique<RedisLoopStore>(loop, *redis_, AddLink(), memory_,
                                          late_bans_);
}

bool Stores::AllShared() const {
  return std::ranges::all_of(links_,
                             [](const auto& link) { return link->shared(); });
}

StoreReport Stores::Report() const {
  const absl::MutexLock lock(&mutex_);
  return {.name = name_,
          .shared = redis_ && AllShared(),
          .why = told_why_,
          .entries = memory_.size(),
          .evicted = memory_.evicted()};
}

void Stores::Tell() {
  std::string why;
  bool shared = false;
  {
    const absl::MutexLock lock(&mutex_);
    const auto away = std::ranges::find_if(
        links_, [](const auto& link) { return !link->why().empty(); });
    if (away != links_.end()) why = (*away)->why();
    shared = AllShared();
    if (why == told_why_ && shared == told_shared_) return;
    told_why_ = why;
    told_shared_ = shared;
  }
  if (shared) log_.Info(absl::StrCat(name_, ": limits are shared"));
  if (why.empty()) return;
  log_.Error(absl::StrCat(
      name_, ": ", why,
      "; until it is back each limit does what its `outage` says"));
}

}  // namespace gate::milter
