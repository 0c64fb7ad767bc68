#include "policy/fallback_store.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/policy/scripted_store.h"
#include "tests/policy/store_conformance.h"

namespace gate::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Answer kAway = {.state = AnswerState::kUnavailable};

class FallbackStoreTest : public testing::Test {
 protected:
  FallbackStoreTest() {
    deferring_.outage = rules::Outage::kDefer;
    accepting_.outage = rules::Outage::kAccept;
  }

  void GoAway() {
    shared_.away = true;
    for (const char* name : {"local", "deferring", "accepting", "client.ip"}) {
      shared_.answers[name] = kAway;
    }
  }
  void ComeBack() {
    shared_.away = false;
    shared_.answers.clear();
  }

  Answer Ask(Lookup::Kind kind, const rules::Limit* limit,
             std::string_view name) {
    Batch batch;
    batch.now_us = now_us_;
    Lookup& lookup = batch.Append();
    lookup.kind = kind;
    lookup.limit = limit;
    lookup.name = name;
    lookup.subject = "a";
    DoneWaiter waiter;
    store_.Submit(batch, waiter);
    EXPECT_TRUE(waiter.Wait());
    return batch[0].answer;
  }
  Answer Charge(const rules::Limit& limit) {
    return Ask(Lookup::Kind::kCharge, &limit, limit.name);
  }
  AnswerState Banned() {
    return Ask(Lookup::Kind::kBanned, nullptr, "client.ip").state;
  }

  bool Post(Effect::Kind kind, const rules::Limit& limit, bool local) {
    Effects effects;
    effects.now_us = now_us_;
    Effect& effect = effects.Append();
    effect.kind = kind;
    effect.limit = &limit;
    effect.name = limit.name;
    effect.subject = "a";
    effect.units = 1;
    effect.local = local;
    return store_.Post(effects);
  }
  void Ban(int64_t ban_us) {
    Effects effects;
    effects.now_us = now_us_;
    Effect& effect = effects.Append();
    effect.kind = Effect::Kind::kBan;
    effect.name = "client.ip";
    effect.subject = "a";
    effect.ban_us = ban_us;
    store_.Post(effects);
  }

  ScriptedStore shared_;
  MemoryStore memory_;
  LateBans late_bans_;
  FallbackStore store_{shared_, memory_, late_bans_};
  rules::Limit local_ = MakeLimit("local", {{1, kMinute, 1}});
  rules::Limit deferring_ = MakeLimit("deferring", {{1, kMinute, 1}});
  rules::Limit accepting_ = MakeLimit("accepting", {{1, kMinute, 1}});
  int64_t now_us_ = kMinute;
};

TEST_F(FallbackStoreTest, SharedAnswersCountNothingLocally) {
  shared_.answers["local"] = {.state = AnswerState::kOver, .used = 7};
  const Answer answer = Charge(local_);
  EXPECT_EQ(answer.state, AnswerState::kOver);
  EXPECT_EQ(answer.used, 7U);
  EXPECT_FALSE(answer.local);
  EXPECT_EQ(memory_.size(), 0U);
}

TEST_F(FallbackStoreTest, OutageLocalCountsInMemory) {
  GoAway();
  const Answer first = Charge(local_);
  EXPECT_EQ(first.state, AnswerState::kFits);
  EXPECT_TRUE(first.local);
  EXPECT_EQ(Charge(local_).state, AnswerState::kOver);
}

TEST_F(FallbackStoreTest, OtherOutagesAreTheEnginesToDecide) {
  GoAway();
  EXPECT_EQ(Charge(deferring_).state, AnswerState::kUnavailable);
  EXPECT_EQ(Charge(accepting_).state, AnswerState::kUnavailable);
  EXPECT_EQ(Banned(), AnswerState::kUnavailable);
  EXPECT_EQ(memory_.size(), 0U);
}

TEST_F(FallbackStoreTest, LocalChargeIsGivenBackLocallyAlsoWhenSharedAgain) {
  GoAway();
  ASSERT_TRUE(Charge(local_).local);
  ComeBack();
  EXPECT_TRUE(Post(Effect::Kind::kGiveBack, local_, /*local=*/true));
  GoAway();
  EXPECT_EQ(Charge(local_).state, AnswerState::kFits);
}

TEST_F(FallbackStoreTest, SharedChargeIsNotGivenBackLocally) {
  GoAway();
  ASSERT_EQ(Charge(local_).state, AnswerState::kFits);
  Post(Effect::Kind::kGiveBack, local_, /*local=*/false);
  EXPECT_EQ(Charge(local_).state, AnswerState::kOver);
}

TEST_F(FallbackStoreTest, RejectionsOfAnOutageAreCountedLocally) {
  GoAway();
  Post(Effect::Kind::kForce, local_, /*local=*/false);
  EXPECT_EQ(Charge(local_).state, AnswerState::kOver);
  Post(Effect::Kind::kForce, accepting_, /*local=*/false);
  EXPECT_EQ(memory_.size(), 1U);
}

TEST_F(FallbackStoreTest, BansOfAnOutageAreDeliveredLater) {
  GoAway();
  Ban(kMinute);
  EXPECT_THAT(shared_.posted, IsEmpty());
  ComeBack();
  now_us_ += kMinute / 2;
  EXPECT_EQ(Banned(), AnswerState::kOver)
      << "the shared store does not know of the ban yet";
  EXPECT_THAT(shared_.posted, ElementsAre("ban client.ip a for 30s"));
  EXPECT_EQ(Banned(), AnswerState::kFits) << "now its answer counts";
}

TEST_F(FallbackStoreTest, ClientBannedAgainAndAgainIsDeliveredOnce) {
  GoAway();
  for (int i = 0; i < 20'000; ++i) Ban(kMinute);
  ComeBack();
  Banned();
  EXPECT_THAT(shared_.posted, ElementsAre("ban client.ip a for 1min"));
}

TEST_F(FallbackStoreTest, EndedBansAreNotDelivered) {
  GoAway();
  Ban(kMinute);
  ComeBack();
  now_us_ += 2 * kMinute;
  EXPECT_EQ(Banned(), AnswerState::kFits);
  EXPECT_THAT(shared_.posted, IsEmpty());
}

}  // namespace
}  // namespace gate::policy
