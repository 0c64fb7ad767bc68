#include "policy/loop_redis_store.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/policy/redis_observer.h"
#include "tests/policy/redis_server.h"
#include "tests/policy/run_until.h"
#include "tests/policy/store_conformance.h"

namespace gate::policy {
namespace {

class Told : public Waiter {
 public:
  void Done(Batch&) noexcept override { ++times_; }
  int times() const { return times_; }

 private:
  int times_ = 0;
};

void AddBanned(Batch& batch, std::string_view subject) {
  Lookup& lookup = batch.Append();
  lookup.kind = Lookup::Kind::kBanned;
  lookup.name = "client.ip";
  lookup.subject = subject;
}

// A Redis, and a store on a loop that runs while somebody waits for it.
class LoopRedisHarness {
 public:
  LoopRedisHarness() {
    EXPECT_EQ(server_.fault(), "");
    EXPECT_TRUE(
        RunUntil(loop_, [this] { return observer_.last() == "shared"; }));
  }
  Store& store() { return asked_; }
  int64_t now_us() { return server_.now_us(); }
  void Advance(int64_t us) {
    // Nobody waits for effects: without this the clock could overtake them.
    Batch batch;
    AddBanned(batch, "nobody");
    Told told;
    asked_.Submit(batch, told);
    server_.Advance(us);
  }

  LoopRedisStore& inner() { return store_; }
  Loop& loop() { return loop_; }

 private:
  // Runs the loop until the answer is there.
  class Asked : public Store {
   public:
    Asked(Loop& loop, LoopRedisStore& store) : loop_(loop), store_(store) {}
    void Submit(Batch& batch, Waiter& waiter) noexcept override {
      Told told;
      store_.Submit(batch, told);
      store_.Flush();
      EXPECT_TRUE(RunUntil(loop_, [&told] { return told.times() > 0; }));
      waiter.Done(batch);
    }
    bool Post(const Effects& effects) noexcept override {
      return store_.Post(effects);
    }

   private:
    Loop& loop_;
    LoopRedisStore& store_;
  };

  RedisOptions Options() const {
    RedisOptions options = server_.client();
    // The tests' machine may be slow; nothing here is about deadlines.
    options.deadline_us = 5'000'000;
    return options;
  }

  RedisServer server_{{.frozen_clock = true}};
  RecordingObserver observer_;
  Loop loop_;
  LoopRedisStore store_{loop_, Options(), observer_};
  Asked asked_{loop_, store_};
};

INSTANTIATE_TYPED_TEST_SUITE_P(LoopRedis, StoreConformance, LoopRedisHarness);

TEST(LoopRedisStore, WhatATurnAsksIsAnsweredInItsOrder) {
  LoopRedisHarness redis;
  const rules::Limit limit =
      MakeLimit("l", {{.amount = 3, .period_us = kMinute, .burst = 3}});
  std::vector<Batch> batches(5);
  Told told;
  for (Batch& batch : batches) {
    Lookup& lookup = batch.Append();
    lookup.limit = &limit;
    lookup.name = limit.name;
    lookup.subject = "a";
    redis.inner().Submit(batch, told);
  }
  EXPECT_EQ(told.times(), 0) << "before Flush";
  redis.inner().Flush();
  EXPECT_TRUE(RunUntil(redis.loop(), [&] { return told.times() == 5; }));
  std::vector<AnswerState> states;
  for (Batch& batch : batches) states.push_back(batch[0].answer.state);
  EXPECT_THAT(states,
              testing::ElementsAre(AnswerState::kFits, AnswerState::kFits,
                                   AnswerState::kFits, AnswerState::kOver,
                                   AnswerState::kOver));
}

TEST(LoopRedisStore, ShutItAnswersWhoWaitsAndWhoAsksLater) {
  LoopRedisHarness redis;
  Batch early;
  Batch late;
  AddBanned(early, "a");
  AddBanned(late, "a");
  Told told;
  redis.inner().Submit(early, told);
  redis.inner().Flush();
  redis.inner().Shut();
  EXPECT_EQ(told.times(), 1);
  EXPECT_EQ(early[0].answer.state, AnswerState::kUnavailable);
  redis.inner().Submit(late, told);
  EXPECT_EQ(told.times(), 2);
  EXPECT_EQ(late[0].answer.state, AnswerState::kUnavailable);
  EXPECT_FALSE(redis.inner().Post(Effects()));
}

}  // namespace
}  // namespace gate::policy
