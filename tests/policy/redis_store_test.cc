#include "policy/redis_store.h"

#include <unistd.h>

#include <csignal>
#include <memory>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/policy/redis_observer.h"
#include "tests/policy/redis_server.h"
#include "tests/policy/store_conformance.h"

namespace gate::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class RedisHarness {
 public:
  RedisHarness() : server_({.frozen_clock = true}) {
    EXPECT_EQ(server_.fault(), "");
    RedisOptions options = server_.client();
    // The tests' machine may be slow; nothing here is about deadlines.
    options.deadline_us = 5'000'000;
    store_ = std::make_unique<RedisStore>(options, observer_);
    EXPECT_TRUE(observer_.Await(1));
    EXPECT_EQ(observer_.last(), "shared");
  }
  Store& store() { return *store_; }
  int64_t now_us() { return server_.now_us(); }
  void Advance(int64_t us) {
    AwaitEffects();
    server_.Advance(us);
  }

 private:
  // Nobody waits for effects: without this the clock could overtake them.
  void AwaitEffects() {
    Batch batch;
    Lookup& lookup = batch.Append();
    lookup.kind = Lookup::Kind::kBanned;
    lookup.name = "nobody";
    DoneWaiter waiter;
    store_->Submit(batch, waiter);
    EXPECT_TRUE(waiter.Wait());
  }

  RedisServer server_;
  RecordingObserver observer_;
  std::unique_ptr<RedisStore> store_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Redis, StoreConformance, RedisHarness);

rules::Limit PerHour(std::string name, uint64_t amount) {
  return MakeLimit(
      std::move(name),
      {{.amount = amount, .period_us = 60 * kMinute, .burst = amount}});
}

void AddCharge(Batch& batch, const rules::Limit& limit,
               std::string_view subject) {
  Lookup& lookup = batch.Append();
  lookup.limit = &limit;
  lookup.name = limit.name;
  lookup.subject = subject;
}

void AddBanned(Batch& batch, std::string_view key, std::string_view subject) {
  Lookup& lookup = batch.Append();
  lookup.kind = Lookup::Kind::kBanned;
  lookup.name = key;
  lookup.subject = subject;
}

AnswerState Charge(Store& store, const rules::Limit& limit,
                   std::string_view subject = "a") {
  Batch batch;
  AddCharge(batch, limit, subject);
  DoneWaiter waiter;
  store.Submit(batch, waiter);
  EXPECT_TRUE(waiter.Wait());
  return batch[0].answer.state;
}

void Force(Store& store, const rules::Limit& limit, std::string_view subject,
           uint64_t units) {
  Effects effects;
  Effect& effect = effects.Append();
  effect.kind = Effect::Kind::kForce;
  effect.limit = &limit;
  effect.name = limit.name;
  effect.subject = subject;
  effect.units = units;
  EXPECT_TRUE(store.Post(effects));
}

class RedisStoreTest : public testing::Test {
 protected:
  void Open(const RedisServer::Options& server, RedisOptions options = {}) {
    server_ = std::make_unique<RedisServer>(server);
    ASSERT_EQ(server_->fault(), "");
    options.address = server_->client().address;
    store_ = std::make_unique<RedisStore>(options, observer_);
    ASSERT_TRUE(store_->AwaitFirstOutcome(absl::Seconds(10)));
  }
  bool AwaitShared() const {
    return mta::WaitUntil([this] { return store_->shared(); },
                          std::chrono::seconds(10));
  }

  RecordingObserver observer_;
  std::unique_ptr<RedisServer> server_;
  std::unique_ptr<RedisStore> store_;
  const rules::Limit limit_ = PerHour("per_user", 1000);
};

TEST_F(RedisStoreTest, OneEventIsOneCommandAndOneRoundTrip) {
  Open({});
  Batch batch;
  const rules::Limit other = PerHour("other", 10);
  const rules::Limit third = PerHour("third", 10);
  AddCharge(batch, limit_, "alice");
  AddCharge(batch, other, "alice");
  AddCharge(batch, third, "192.0.2.1");
  AddBanned(batch, "client.network", "192.0.2.1");
  DoneWaiter waiter;
  store_->Submit(batch, waiter);
  ASSERT_TRUE(waiter.Wait());
  EXPECT_EQ(server_->Calls("evalsha"), 1);
  EXPECT_EQ(server_->Calls("eval"), 1) << "the probe";
}

TEST_F(RedisStoreTest, KeysAreReadableAndEndWhenTheBucketIsEmpty) {
  Open({.frozen_clock = true});
  EXPECT_EQ(Charge(*store_, limit_, "alice"), AnswerState::kFits);
  EXPECT_EQ(server_->Cli({"KEYS", "*"}), "gate:per_user:alice");
  EXPECT_THAT(server_->Cli({"GET", "gate:per_user:alice"}),
              MatchesRegex("[0-9]+ 3600000000:1"));
  // One unit of a thousand an hour: 3.6 s.
  EXPECT_THAT(server_->Cli({"PTTL", "gate:per_user:alice"}),
              testing::AnyOf("3601", "3600"));
}

TEST_F(RedisStoreTest, GivenBackKeyIsGone) {
  Open({});
  EXPECT_EQ(Charge(*store_, limit_, "alice"), AnswerState::kFits);
  Effects effects;
  Effect& effect = effects.Append();
  effect.limit = &limit_;
  effect.name = limit_.name;
  effect.subject = "alice";
  effect.units = 1;
  EXPECT_TRUE(store_->Post(effects));
  EXPECT_EQ(Charge(*store_, limit_, "bob"), AnswerState::kFits);
  EXPECT_EQ(server_->Cli({"KEYS", "*"}), "gate:per_user:bob");
}

TEST_F(RedisStoreTest, LateLocalEffectsAreNotForRedis) {
  Open({});
  Effects effects;
  Effect& effect = effects.Append();
  effect.kind = Effect::Kind::kForce;
  effect.limit = &limit_;
  effect.name = limit_.name;
  effect.units = 1;
  effect.local = true;
  EXPECT_TRUE(store_->Post(effects));
  EXPECT_EQ(Charge(*store_, limit_, "bob"), AnswerState::kFits);
  EXPECT_EQ(server_->Cli({"KEYS", "*"}), "gate:per_user:bob");
}

TEST_F(RedisStoreTest, ForgottenScriptIsSentAgain) {
  Open({});
  EXPECT_EQ(server_->Cli({"SCRIPT", "FLUSH"}), "OK");
  Force(*store_, limit_, "a", 999);
  EXPECT_EQ(Charge(*store_, limit_), AnswerState::kFits);
  EXPECT_EQ(Charge(*store_, limit_), AnswerState::kOver);
  EXPECT_EQ(server_->Cli({"SCRIPT", "FLUSH"}), "OK");
  EXPECT_EQ(Charge(*store_, limit_), AnswerState::kOver);
  EXPECT_THAT(observer_.told(), ElementsAre("shared"));
}

TEST_F(RedisStoreTest, KeyOfAnotherTypeConcernsItsLookUpOnly) {
  Open({});
  EXPECT_EQ(server_->Cli({"LPUSH", "gate:per_user:a", "1"}), "1");
  Batch batch;
  AddCharge(batch, limit_, "a");
  AddCharge(batch, limit_, "b");
  DoneWaiter waiter;
  store_->Submit(batch, waiter);
  ASSERT_TRUE(waiter.Wait());
  EXPECT_EQ(batch[0].answer.state, AnswerState::kUnavailable);
  EXPECT_EQ(batch[1].answer.state, AnswerState::kFits);
  EXPECT_TRUE(store_->shared());
}

TEST_F(RedisStoreTest, PasswordUserAndDatabase) {
  Open({.arguments = {"--user", "gate", "on", ">secret", "~gate:*", "+@all"}},
       {.user = "gate", .password = "secret", .database = 3});
  EXPECT_EQ(observer_.last(), "shared");
  EXPECT_EQ(Charge(*store_, limit_), AnswerState::kFits);
  EXPECT_EQ(server_->Cli({"-n", "3", "DBSIZE"}), "1");
}

TEST_F(RedisStoreTest, MinimalRightsAreEnough) {
  Open({.arguments = {"--user", "gate", "on", ">secret", "~gate:*", "-@all",
                      "+eval", "+evalsha", "+get", "+set", "+del", "+pttl",
                      "+time", "+select"}},
       {.user = "gate", .password = "secret"});
  EXPECT_EQ(observer_.last(), "shared");
  EXPECT_EQ(Charge(*store_, limit_), AnswerState::kFits);
}

TEST_F(RedisStoreTest, MissingRightIsAnOutageAndSaid) {
  Open({.arguments = {"--user", "gate", "on", ">secret", "~gate:*", "-@all",
                      "+eval", "+evalsha", "+set", "+del", "+pttl", "+time",
                      "+select"}},
       {.user = "gate", .password = "secret"});
  EXPECT_FALSE(store_->shared());
  EXPECT_THAT(observer_.last(), HasSubstr("+get")) << "the repair";
}

TEST_F(RedisStoreTest, WrongPasswordIsSaid) {
  Open({.arguments = {"--requirepass", "right"}}, {.password = "wrong"});
  EXPECT_THAT(observer_.last(), HasSubstr("WRONGPASS"));
  EXPECT_THAT(observer_.last(), HasSubstr("password-file"));
  EXPECT_EQ(Charge(*store_, limit_), AnswerState::kUnavailable);
}

TEST_F(RedisStoreTest, MissingPasswordIsSaid) {
  Open({.arguments = {"--requirepass", "right"}});
  EXPECT_THAT(observer_.last(), HasSubstr("NOAUTH"));
}

TEST_F(RedisStoreTest, FullMemoryIsAnOutageUntilThereIsRoom) {
  Open({});
  EXPECT_EQ(Charge(*store_, limit_), AnswerState::kFits);
  server_->Cli({"CONFIG", "SET", "maxmemory", "1"});
  EXPECT_EQ(Charge(*store_, limit_), AnswerState::kUnavailable);
  ASSERT_TRUE(observer_.Await(2));
  EXPECT_THAT(observer_.last(), HasSubstr("OOM"));
  server_->Cli({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_TRUE(AwaitShared());
  EXPECT_EQ(Charge(*store_, limit_), AnswerState::kFits);
}

TEST_F(RedisStoreTest, ReplicaIsAnOutage) {
  Open({});
  EXPECT_EQ(Charge(*store_, limit_), AnswerState::kFits);
  server_->Cli({"REPLICAOF", "127.0.0.1", "1"});
  EXPECT_EQ(Charge(*store_, limit_), AnswerState::kUnavailable);
  ASSERT_TRUE(observer_.Await(2));
  EXPECT_THAT(observer_.last(), HasSubstr("READONLY"));
  server_->Cli({"REPLICAOF", "NO", "ONE"});
  EXPECT_TRUE(AwaitShared());
}

TEST_F(RedisStoreTest, HungRedisAnswersNobodyLateAndComesBack) {
  Open({});
  server_->Signal(SIGSTOP);
  const absl::Time begin = absl::Now();
  EXPECT_EQ(Charge(*store_, limit_), AnswerState::kUnavailable);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
  ASSERT_TRUE(observer_.Await(2));
  EXPECT_THAT(observer_.last(), HasSubstr("no answer within 50 ms"));
  EXPECT_FALSE(store_->shared());
  EXPECT_EQ(Charge(*store_, limit_), AnswerState::kUnavailable);
  server_->Signal(SIGCONT);
  EXPECT_TRUE(AwaitShared());
  EXPECT_EQ(Charge(*store_, limit_), AnswerState::kFits);
}

TEST_F(RedisStoreTest, KilledRedisComesBackEmpty) {
  Open({});
  const rules::Limit one = PerHour("one", 1);
  EXPECT_EQ(Charge(*store_, one), AnswerState::kFits);
  EXPECT_EQ(Charge(*store_, one), AnswerState::kOver);
  server_->Stop();
  EXPECT_TRUE(observer_.Await(2));
  EXPECT_EQ(Charge(*store_, one), AnswerState::kUnavailable);
  server_->Start();
  EXPECT_TRUE(AwaitShared());
  EXPECT_EQ(Charge(*store_, one), AnswerState::kFits);
}

TEST_F(RedisStoreTest, NobodyWaitsForAStoreThatEnds) {
  Open({}, {.deadline_us = 10'000'000});
  server_->Signal(SIGSTOP);
  Batch batch;
  AddCharge(batch, limit_, "a");
  DoneWaiter waiter;
  store_->Submit(batch, waiter);
  store_.reset();
  ASSERT_TRUE(waiter.Wait());
  EXPECT_EQ(batch[0].answer.state, AnswerState::kUnavailable);
  server_->Signal(SIGCONT);
}

TEST_F(RedisStoreTest, ManyThreadsGetTheirOwnAnswers) {
  Open({}, {.deadline_us = 10'000'000});
  const rules::Limit hundred = PerHour("hundred", 100);
  std::atomic<int> fits = 0;
  std::vector<std::jthread> threads;
  threads.reserve(64);
  for (int i = 0; i < 64; ++i) {
    threads.emplace_back([&, i] {
      const std::string mine = "thread " + std::to_string(i);
      for (int n = 0; n < 10; ++n) {
        if (Charge(*store_, hundred, "all") == AnswerState::kFits) ++fits;
        EXPECT_EQ(Charge(*store_, limit_, mine), AnswerState::kFits);
      }
    });
  }
  threads.clear();
  EXPECT_EQ(fits, 100);
}

}  // namespace
}  // namespace gate::policy
