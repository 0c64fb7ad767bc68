// What the engine decides while the store is away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/policy/engine_fixture.h"

namespace gate::policy {
namespace {

using rules::Action;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Answer kAway = {.state = AnswerState::kUnavailable};

constexpr char kOutages[] = R"(
  limit open   5/hour per sender counting recipients outage accept
  limit local  5/hour per sender counting recipients outage local
  limit closed 5/hour per sender counting recipients outage defer
  at rcpt {
    no:      reject 550 5.1.1 "No" when rcpt.local == "no"
    open_l:  defer 451 4.7.1 "Open" when over open
    local_l: defer 451 4.7.1 "Local" when over local
    noted:   log "closed is over" when over closed
    shadow s: reject 554 5.7.1 "Closed" when over closed
    friend:  accept when auth.user
    closed:  defer 451 4.7.1 "Closed" when over closed
  }
  at data { again: reject 554 5.7.1 "Closed" when over closed }
)";

TEST_F(EngineTest, DefersWhatAnOutageLeavesUndecided) {
  Use(kOutages);
  store.answers = {{"open", kAway}, {"local", kAway}, {"closed", kAway}};
  mta.Connect();
  mta.Mail();
  const Verdict verdict = mta.Rcpt();
  EXPECT_EQ(verdict.action, Action::kDefer);
  EXPECT_EQ(verdict.code, 451);
  EXPECT_EQ(verdict.enhanced, "4.7.1");
  EXPECT_THAT(std::string(verdict.text), HasSubstr("unavailable"));
  EXPECT_EQ(verdict.rule, nullptr);
  EXPECT_EQ(Count(Counter::kOutageDefer), 1U);
  EXPECT_EQ(Count(Counter::kOutageAccept), 2U) << "nothing stands in here";
  EXPECT_THAT(store.posted, IsEmpty());
  EXPECT_THAT(log.lines, ElementsAre("defer by nobody"));
}

TEST_F(EngineTest, DecidesAboveTheRuleThatAnOutageLeavesUndecided) {
  Use(kOutages);
  store.answers = {{"closed", kAway}};
  mta.macros.values["{auth_authen}"] = "alice";
  mta.Connect();
  mta.Mail();
  EXPECT_EQ(LabelOf(mta.Rcpt("<no@example.org>")), "no");
  EXPECT_EQ(LabelOf(mta.Rcpt()), "friend");
  EXPECT_EQ(mta.Data().action, Action::kDefer) << "the remembered answer";
}

TEST_F(EngineTest, DoesNotDeferForOutageAcceptOrLocal) {
  Use(kOutages);
  store.answers = {{"open", kAway}, {"local", kAway}};
  mta.Connect();
  mta.Mail();
  EXPECT_EQ(mta.Rcpt().action, Action::kAccept);
}

TEST_F(EngineTest, KnowsLastOfBansWhileTheStoreIsAway) {
  Use(R"(at connect { b: reject 554 5.7.1 "Banned" when banned(client.network) })");
  store.answers["client.network"] = {.state = AnswerState::kOver,
                                     .retry_after_us = 3'600'000'000};
  EXPECT_EQ(LabelOf(mta.Connect()), "b");
  store.answers["client.network"] = kAway;
  mta.Open();
  EXPECT_EQ(LabelOf(mta.Connect()), "b") << "of another connection";
  mta.Open();
  EXPECT_EQ(mta.Connect("203.0.113.10").action, Action::kAccept);
  clock.clock.Advance(3'700'000'000);
  mta.Open();
  EXPECT_EQ(mta.Connect().action, Action::kAccept) << "it has ended";
}

TEST_F(EngineTest, KnowsItsOwnBansWhileTheStoreIsAway) {
  Use(R"(at connect { b: reject 554 5.7.1 "Banned" when banned(client.network) }
         at mail { banish: ban client.network for 1h })");
  mta.Connect();
  mta.Mail();
  store.answers["client.network"] = kAway;
  mta.Open();
  EXPECT_EQ(LabelOf(mta.Connect()), "b");
}

}  // namespace
}  // namespace gate::policy
