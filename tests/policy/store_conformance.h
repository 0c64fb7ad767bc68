// What every store must do, as one suite. A store's test names a harness and
// instantiates the suite with it:
//
//   class MemoryHarness {
//    public:
//     policy::Store& store();    // empty when the harness was built
//     int64_t now_us();          // the time that the store goes by
//     void Advance(int64_t us);  // moves that time; a store with a clock of
//   };                           // its own may wait
//   INSTANTIATE_TYPED_TEST_SUITE_P(Memory, StoreConformance, MemoryHarness);
//
// A batch submitted after Post by the same thread must see its effects.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/store.h"
#include "rules/policy.h"

namespace gate::policy {

inline constexpr int64_t kSecond = 1'000'000;
inline constexpr int64_t kMinute = 60 * kSecond;

inline rules::Limit MakeLimit(std::string name,
                              std::vector<rules::Window> windows) {
  rules::Limit limit;
  limit.name = std::move(name);
  limit.windows = std::move(windows);
  return limit;
}

class DoneWaiter : public Waiter {
 public:
  void Done(Batch&) noexcept override { done_.Notify(); }
  bool Wait() {
    return done_.WaitForNotificationWithTimeout(absl::Seconds(10));
  }

 private:
  absl::Notification done_;
};

template <class Harness>
class StoreConformance : public testing::Test {
 protected:
  Answer Ask(Lookup::Kind kind, const rules::Limit& limit,
             std::string_view subject, uint64_t units = 1) {
    Batch batch;
    AddLookup(batch, kind, limit, subject, units);
    return Submit(batch)[0];
  }
  Answer Charge(const rules::Limit& limit, std::string_view subject,
                uint64_t units = 1) {
    return Ask(Lookup::Kind::kCharge, limit, subject, units);
  }
  Answer Peek(const rules::Limit& limit, std::string_view subject,
              uint64_t units = 1) {
    return Ask(Lookup::Kind::kPeek, limit, subject, units);
  }
  bool Fits(const rules::Limit& limit, std::string_view subject,
            uint64_t units = 1) {
    return Charge(limit, subject, units).state == AnswerState::kFits;
  }
  Answer Banned(std::string_view key, std::string_view subject) {
    Batch batch;
    Lookup& lookup = batch.Append();
    lookup.kind = Lookup::Kind::kBanned;
    lookup.name = key;
    lookup.subject = subject;
    return Submit(batch)[0];
  }
  bool IsBanned(std::string_view key, std::string_view subject) {
    return Banned(key, subject).state == AnswerState::kOver;
  }

  void GiveBack(const rules::Limit& limit, std::string_view subject,
                uint64_t units) {
    PostUnits(Effect::Kind::kGiveBack, limit, subject, units);
  }
  void Force(const rules::Limit& limit, std::string_view subject,
             uint64_t units) {
    PostUnits(Effect::Kind::kForce, limit, subject, units);
  }
  void Ban(std::string_view key, std::string_view subject, int64_t ban_us) {
    Effects effects;
    Effect& effect = effects.Append();
    effect.kind = Effect::Kind::kBan;
    effect.name = key;
    effect.subject = subject;
    effect.ban_us = ban_us;
    Post(effects);
  }

  static void AddLookup(Batch& batch, Lookup::Kind kind,
                        const rules::Limit& limit, std::string_view subject,
                        uint64_t units) {
    Lookup& lookup = batch.Append();
    lookup.kind = kind;
    lookup.limit = &limit;
    lookup.name = limit.name;
    lookup.subject = subject;
    lookup.units = units;
  }
  std::vector<Answer> Submit(Batch& batch) {
    batch.now_us = harness_.now_us();
    DoneWaiter waiter;
    harness_.store().Submit(batch, waiter);
    EXPECT_TRUE(waiter.Wait()) << "no answer within 10 s";
    std::vector<Answer> answers;
    for (size_t i = 0; i < batch.size(); ++i) {
      answers.push_back(batch[i].answer);
    }
    return answers;
  }

  Harness harness_;

 private:
  void PostUnits(Effect::Kind kind, const rules::Limit& limit,
                 std::string_view subject, uint64_t units) {
    Effects effects;
    Effect& effect = effects.Append();
    effect.kind = kind;
    effect.limit = &limit;
    effect.name = limit.name;
    effect.subject = subject;
    effect.units = units;
    Post(effects);
  }
  void Post(Effects& effects) {
    effects.now_us = harness_.now_us();
    harness_.store().Post(effects);
  }
};

TYPED_TEST_SUITE_P(StoreConformance);

TYPED_TEST_P(StoreConformance, AdmitsTheBurstAndThenTheRate) {
  const rules::Limit limit =
      MakeLimit("l", {{.amount = 5, .period_us = kMinute, .burst = 5}});
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(this->Fits(limit, "a")) << i;
  EXPECT_FALSE(this->Fits(limit, "a"));
  this->harness_.Advance(12 * kSecond);
  EXPECT_TRUE(this->Fits(limit, "a"));
  EXPECT_FALSE(this->Fits(limit, "a"));
}

// Charges at random times and in random sizes; then every pair of admitted
// charges is a window that must not hold more than burst + rate * time.
TYPED_TEST_P(StoreConformance, NeverAdmitsMoreThanBurstPlusRateInAnyWindow) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const auto pick = [&random](uint64_t low, uint64_t high) {
    return std::uniform_int_distribution<uint64_t>(low, high)(random);
  };
  for (int round = 0; round < 20; ++round) {
    const rules::Window window{
        .amount = pick(1, 50),
        .period_us = static_cast<int64_t>(pick(1, 100)) * kSecond / 10,
        .burst = pick(1, 30)};
    const rules::Limit limit = MakeLimit("l" + std::to_string(round), {window});
    struct Admitted {
      int64_t time_us;
      uint64_t sum;  // with this one
      uint64_t units;
    };
    std::vector<Admitted> admitted;
    uint64_t sum = 0;
    for (int i = 0; i < 120; ++i) {
      const uint64_t units = pick(1, 3);
      if (this->Fits(limit, "a", units)) {
        sum += units;
        admitted.push_back({this->harness_.now_us(), sum, units});
      }
      const auto gap = static_cast<uint64_t>(window.period_us) / window.amount;
      this->harness_.Advance(static_cast<int64_t>(pick(0, gap)));
    }
    for (size_t i = 0; i < admitted.size(); ++i) {
      for (size_t j = i; j < admitted.size(); ++j) {
        const auto held = static_cast<double>(
            admitted[j].sum - admitted[i].sum + admitted[i].units);
        const auto time =
            static_cast<double>(admitted[j].time_us - admitted[i].time_us);
        ASSERT_LE(held, static_cast<double>(window.burst) +
                            time * static_cast<double>(window.amount) /
                                static_cast<double>(window.period_us) +
                            1e-3);
      }
    }
  }
}

TYPED_TEST_P(StoreConformance, RetryAfterIsWhenItFits) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const rules::Limit limit =
      MakeLimit("l", {{.amount = 3, .period_us = 7 * kSecond, .burst = 4},
                      {.amount = 20, .period_us = 60 * kSecond, .burst = 9}});
  for (int i = 0; i < 100; ++i) {
    const uint64_t units = 1 + random() % 4;
    const Answer answer = this->Charge(limit, "a", units);
    if (answer.state == AnswerState::kFits) {
      EXPECT_EQ(answer.retry_after_us, 0);
      continue;
    }
    ASSERT_GT(answer.retry_after_us, 0);
    // A store may answer in whole milliseconds.
    this->harness_.Advance(answer.retry_after_us - 10'000);
    EXPECT_FALSE(this->Fits(limit, "a", units)) << i;
    this->harness_.Advance(11'000);
    EXPECT_TRUE(this->Fits(limit, "a", units)) << i;
  }
}

TYPED_TEST_P(StoreConformance, RefusedChargeCostsNothing) {
  const rules::Limit limit =
      MakeLimit("l", {{.amount = 10, .period_us = 10 * kSecond, .burst = 10}});
  ASSERT_TRUE(this->Fits(limit, "a", 10));
  for (int i = 0; i < 50; ++i) {
    this->harness_.Advance(10'000);
    EXPECT_FALSE(this->Fits(limit, "a"));
  }
  this->harness_.Advance(510'000);
  EXPECT_TRUE(this->Fits(limit, "a"));
}

TYPED_TEST_P(StoreConformance, AllWindowsMustFit) {
  const rules::Limit limit =
      MakeLimit("l", {{.amount = 2, .period_us = kSecond, .burst = 2},
                      {.amount = 3, .period_us = kMinute, .burst = 3}});
  EXPECT_TRUE(this->Fits(limit, "a", 2));
  EXPECT_FALSE(this->Fits(limit, "a"));
  this->harness_.Advance(kSecond);
  // The first refused nothing to the minute: one more fits there.
  EXPECT_TRUE(this->Fits(limit, "a"));
  this->harness_.Advance(kSecond);
  const Answer full = this->Charge(limit, "a");
  EXPECT_EQ(full.state, AnswerState::kOver);
  EXPECT_EQ(full.used, 3u);
  EXPECT_EQ(full.allowed, 3u);
}

TYPED_TEST_P(StoreConformance, TellsWholeUnitsOfTheFullestWindow) {
  const rules::Limit limit = MakeLimit(
      "l", {{.amount = 100, .period_us = 100 * kSecond, .burst = 50},
            {.amount = 1000, .period_us = 3600 * kSecond, .burst = 1000}});
  const Answer first = this->Charge(limit, "a", 3);
  EXPECT_EQ(first.state, AnswerState::kFits);
  EXPECT_EQ(first.used, 3u);
  EXPECT_EQ(first.allowed, 50u);
  this->harness_.Advance(1'500'000);  // 1.5 drain: 1.5 are left
  const Answer peeked = this->Peek(limit, "a");
  EXPECT_EQ(peeked.used, 2u) << "rounded up";
  const Answer over = this->Charge(limit, "a", 50);
  EXPECT_EQ(over.state, AnswerState::kOver);
  EXPECT_EQ(over.used, 2u);
  EXPECT_EQ(over.allowed, 50u);
  EXPECT_NEAR(static_cast<double>(over.retry_after_us), 1.5 * kSecond, 10'000);
}

TYPED_TEST_P(StoreConformance, MoreThanTheBurstNeverFits) {
  const rules::Limit limit =
      MakeLimit("l", {{.amount = 4, .period_us = kSecond, .burst = 4}});
  EXPECT_FALSE(this->Fits(limit, "a", 5));
  EXPECT_TRUE(this->Fits(limit, "a", 4));
}

TYPED_TEST_P(StoreConformance, PeekChargesNothing) {
  const rules::Limit limit =
      MakeLimit("l", {{.amount = 2, .period_us = kMinute, .burst = 2}});
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(this->Peek(limit, "a").state, AnswerState::kFits);
  }
  EXPECT_TRUE(this->Fits(limit, "a", 2));
  EXPECT_EQ(this->Peek(limit, "a").state, AnswerState::kOver);
}

TYPED_TEST_P(StoreConformance, GiveBackRestores) {
  const rules::Limit limit =
      MakeLimit("l", {{.amount = 5, .period_us = kMinute, .burst = 5},
                      {.amount = 8, .period_us = 60 * kMinute, .burst = 8}});
  ASSERT_TRUE(this->Fits(limit, "a", 5));
  this->GiveBack(limit, "a", 2);
  EXPECT_TRUE(this->Fits(limit, "a", 2));
  EXPECT_FALSE(this->Fits(limit, "a"));
}

TYPED_TEST_P(StoreConformance, GiveBackDoesNotSaveUp) {
  const rules::Limit limit =
      MakeLimit("l", {{.amount = 2, .period_us = kMinute, .burst = 2}});
  this->GiveBack(limit, "a", 5);
  EXPECT_TRUE(this->Fits(limit, "a"));
  this->GiveBack(limit, "a", 5);
  EXPECT_TRUE(this->Fits(limit, "a", 2));
  EXPECT_FALSE(this->Fits(limit, "a"));
}

TYPED_TEST_P(StoreConformance, ForceChargesWhatDoesNotFit) {
  const rules::Limit limit =
      MakeLimit("l", {{.amount = 2, .period_us = 2 * kSecond, .burst = 2}});
  this->Force(limit, "a", 3);
  EXPECT_EQ(this->Peek(limit, "a").state, AnswerState::kOver);
  this->harness_.Advance(1'900'000);
  EXPECT_FALSE(this->Fits(limit, "a"));
  this->harness_.Advance(200'000);
  EXPECT_TRUE(this->Fits(limit, "a"));
}

TYPED_TEST_P(StoreConformance, ForceIsBoundedByTwoBursts) {
  const rules::Limit limit =
      MakeLimit("l", {{.amount = 2, .period_us = 2 * kSecond, .burst = 2}});
  for (int i = 0; i < 100; ++i) this->Force(limit, "a", 1);
  this->harness_.Advance(3 * kSecond + 10'000);
  EXPECT_TRUE(this->Fits(limit, "a"));
}

TYPED_TEST_P(StoreConformance, ChangedRateActsAtOnceAndKeepsTheLevel) {
  const rules::Limit before =
      MakeLimit("l", {{.amount = 10, .period_us = kMinute, .burst = 10}});
  const rules::Limit raised =
      MakeLimit("l", {{.amount = 60, .period_us = kMinute, .burst = 12}});
  ASSERT_TRUE(this->Fits(before, "a", 10));
  EXPECT_TRUE(this->Fits(raised, "a", 2));
  EXPECT_FALSE(this->Fits(raised, "a"));
  this->harness_.Advance(kSecond);
  EXPECT_TRUE(this->Fits(raised, "a"));
  this->harness_.Advance(kSecond);
  const Answer lowered = this->Charge(before, "a");
  EXPECT_EQ(lowered.state, AnswerState::kOver);
  EXPECT_EQ(lowered.used, 12u);
}

// An operator makes a limit strict in an attack: who filled it has to wait.
TYPED_TEST_P(StoreConformance, LoweredRateIsNotForgotten) {
  const rules::Limit before = MakeLimit(
      "l", {{.amount = 36'000, .period_us = 60 * kMinute, .burst = 10}});
  const rules::Limit lowered =
      MakeLimit("l", {{.amount = 10, .period_us = 60 * kMinute, .burst = 10}});
  ASSERT_TRUE(this->Fits(before, "a", 10));
  EXPECT_FALSE(this->Fits(lowered, "a"));
  this->harness_.Advance(3 * kSecond);
  EXPECT_FALSE(this->Fits(lowered, "a"));
}

TYPED_TEST_P(StoreConformance, NewWindowBeginsWithTheFullestBucket) {
  const rules::Limit before =
      MakeLimit("l", {{.amount = 100, .period_us = kMinute, .burst = 100}});
  const rules::Limit after =
      MakeLimit("l", {{.amount = 100, .period_us = kMinute, .burst = 100},
                      {.amount = 80, .period_us = 60 * kMinute, .burst = 80}});
  ASSERT_TRUE(this->Fits(before, "a", 70));
  EXPECT_FALSE(this->Fits(after, "a", 11));
  EXPECT_TRUE(this->Fits(after, "a", 10));
  EXPECT_TRUE(this->Fits(before, "a", 20)) << "the old window kept its own";
}

TYPED_TEST_P(StoreConformance, KeysAreKeptApart) {
  const rules::Limit one =
      MakeLimit("one", {{.amount = 1, .period_us = kMinute, .burst = 1}});
  const rules::Limit two =
      MakeLimit("two", {{.amount = 1, .period_us = kMinute, .burst = 1}});
  const std::string long_subject(5000, 'x');
  const std::vector<std::string> subjects = {
      "",    "a",   "A",          std::string("a\0b", 3),
      "a b", "{a}", long_subject, long_subject + "y"};
  for (const std::string& subject : subjects) {
    EXPECT_TRUE(this->Fits(one, subject)) << subject;
    EXPECT_TRUE(this->Fits(two, subject)) << subject;
    EXPECT_FALSE(this->IsBanned("one", subject)) << subject;
  }
  for (const std::string& subject : subjects) {
    EXPECT_FALSE(this->Fits(one, subject)) << subject;
  }
}

TYPED_TEST_P(StoreConformance, BatchIsAnsweredInOrderEachOnItsOwn) {
  const rules::Limit limit =
      MakeLimit("l", {{.amount = 2, .period_us = kMinute, .burst = 2}});
  const rules::Limit other =
      MakeLimit("o", {{.amount = 9, .period_us = kMinute, .burst = 9}});
  this->Ban("client.ip", "a", kMinute);
  Batch batch;
  this->AddLookup(batch, Lookup::Kind::kCharge, limit, "a", 2);
  this->AddLookup(batch, Lookup::Kind::kCharge, limit, "a", 1);
  this->AddLookup(batch, Lookup::Kind::kCharge, other, "a", 1);
  this->AddLookup(batch, Lookup::Kind::kPeek, limit, "b", 1);
  Lookup& ban = batch.Append();
  ban.kind = Lookup::Kind::kBanned;
  ban.name = "client.ip";
  ban.subject = "a";
  std::vector<AnswerState> states;
  for (const Answer& answer : this->Submit(batch)) {
    states.push_back(answer.state);
  }
  EXPECT_THAT(states,
              testing::ElementsAre(AnswerState::kFits, AnswerState::kOver,
                                   AnswerState::kFits, AnswerState::kFits,
                                   AnswerState::kOver));
}

TYPED_TEST_P(StoreConformance, BansEndOnTime) {
  EXPECT_FALSE(this->IsBanned("client.network", "192.0.2.1"));
  this->Ban("client.network", "192.0.2.1", 2 * kSecond);
  const Answer banned = this->Banned("client.network", "192.0.2.1");
  EXPECT_EQ(banned.state, AnswerState::kOver);
  EXPECT_NEAR(static_cast<double>(banned.retry_after_us), 2.0 * kSecond,
              100'000);
  EXPECT_FALSE(this->IsBanned("client.network", "192.0.2.2"));
  EXPECT_FALSE(this->IsBanned("client.ip", "192.0.2.1"));
  this->harness_.Advance(1'800'000);
  EXPECT_TRUE(this->IsBanned("client.network", "192.0.2.1"));
  this->harness_.Advance(300'000);
  EXPECT_FALSE(this->IsBanned("client.network", "192.0.2.1"));
}

TYPED_TEST_P(StoreConformance, LongerBanStays) {
  this->Ban("k", "a", 3 * kSecond);
  this->Ban("k", "a", kSecond);
  this->harness_.Advance(2 * kSecond);
  EXPECT_TRUE(this->IsBanned("k", "a"));
  this->Ban("k", "a", 3 * kSecond);
  this->harness_.Advance(2 * kSecond);
  EXPECT_TRUE(this->IsBanned("k", "a"));
}

REGISTER_TYPED_TEST_SUITE_P(
    StoreConformance, AdmitsTheBurstAndThenTheRate,
    NeverAdmitsMoreThanBurstPlusRateInAnyWindow, RetryAfterIsWhenItFits,
    RefusedChargeCostsNothing, AllWindowsMustFit,
    TellsWholeUnitsOfTheFullestWindow, MoreThanTheBurstNeverFits,
    PeekChargesNothing, GiveBackRestores, GiveBackDoesNotSaveUp,
    ForceChargesWhatDoesNotFit, ForceIsBoundedByTwoBursts,
    ChangedRateActsAtOnceAndKeepsTheLevel, LoweredRateIsNotForgotten,
    NewWindowBeginsWithTheFullestBucket, KeysAreKeptApart,
    BatchIsAnsweredInOrderEachOnItsOwn, BansEndOnTime, LongerBanStays);

}  // namespace gate::policy
