#include "policy/loop_redis_store.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/allocations.h"
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

void AddBan(Effects& effects, std::string_view subject) {
  Effect& effect = effects.Append();
  effect.kind = Effect::Kind::kBan;
  effect.name = "client.ip";
  effect.subject = subject;
  effect.ban_us = 60 * kSecond;
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

// Room for some questions between two writes, and for 64 that wait.
constexpr size_t kTooMuch = 4096;

TEST(LoopRedisStore, WithoutMemoryAQuestionFailsAloneAndShiftsNoAnswer) {
  LoopRedisHarness redis;
  constexpr size_t kQuestions = 400;
  std::vector<std::string> subjects;
  for (size_t i = 0; i < kQuestions; ++i) {
    subjects.push_back("question" + std::to_string(i));
  }
  Effects effects;
  for (size_t i = 0; i < kQuestions; i += 3) AddBan(effects, subjects[i]);
  ASSERT_TRUE(redis.store().Post(effects));
  std::vector<Batch> batches(kQuestions);
  for (size_t i = 0; i < kQuestions; ++i) AddBanned(batches[i], subjects[i]);
  Told told;
  if (!RefuseAllocationsFrom(kTooMuch)) GTEST_SKIP() << "ThreadSanitizer";
  for (Batch& batch : batches) redis.inner().Submit(batch, told);
  redis.inner().Flush();
  RefuseAllocationsFrom(0);
  const int failed = told.times();
  EXPECT_GT(failed, 0);
  EXPECT_LT(failed, static_cast<int>(kQuestions));
  EXPECT_TRUE(RunUntil(redis.loop(), [&] { return told.times() == 400; }));
  int unavailable = 0;
  for (size_t i = 0; i < kQuestions; ++i) {
    const AnswerState state = batches[i][0].answer.state;
    if (state == AnswerState::kUnavailable) {
      ++unavailable;
    } else {
      EXPECT_EQ(state, i % 3 == 0 ? AnswerState::kOver : AnswerState::kFits)
          << i;
    }
  }
  EXPECT_EQ(unavailable, failed);
}

TEST(LoopRedisStore, WithoutMemoryAnEffectIsTakenOrNot) {
  LoopRedisHarness redis;
  std::vector<std::string> subjects;
  std::vector<Effects> effects(200);
  for (Effects& each : effects) {
    subjects.push_back("effect" + std::to_string(subjects.size()));
    AddBan(each, subjects.back());
  }
  std::vector<bool> taken(effects.size());
  if (!RefuseAllocationsFrom(kTooMuch)) GTEST_SKIP() << "ThreadSanitizer";
  for (size_t i = 0; i < effects.size(); ++i) {
    taken[i] = redis.inner().Post(effects[i]);
  }
  RefuseAllocationsFrom(0);
  EXPECT_THAT(taken, testing::Contains(true));
  EXPECT_THAT(taken, testing::Contains(false));
  for (size_t i = 0; i < effects.size(); ++i) {
    Batch batch;
    AddBanned(batch, subjects[i]);
    Told told;
    redis.store().Submit(batch, told);
    EXPECT_EQ(batch[0].answer.state,
              taken[i] ? AnswerState::kOver : AnswerState::kFits)
        << i;
  }
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
