// What no scenario can show of the engine: trips, effects, the life of a
// session, counters, logs. The semantics of policies are in tests/golden/run.
#include "policy/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/memory_store.h"
#include "tests/allocations.h"
#include "tests/policy/engine_fixture.h"

namespace gate::policy {
namespace {

using rules::Action;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Answer kOver = {.state = AnswerState::kOver,
                          .used = 5,
                          .allowed = 5,
                          .retry_after_us = 18'000'000};

constexpr char kLimited[] = R"(
  limit per_sender 5/hour per sender counting recipients
  limit per_client 5/hour per client.network counting recipients
  limit offenders 5/hour per client.network counting rejections
  at rcpt {
    fine:   accept when rcpt.local == "fine"
    no:     reject 550 5.1.1 "No" when rcpt.local == "no"
    many:   defer 451 4.7.1 "Limit {limit.name}: {limit.used} of {limit.allowed}, try in {limit.retry_after}"
            when over per_sender or over per_client
    guilty: defer 451 4.7.1 "Offender" when over offenders
    is_banned: reject 554 5.7.1 "Banned" when banned(client.network)
    late:   reject 550 5.1.1 "Late" when rcpt.local == "late"
  }
)";

TEST_F(EngineTest, TellsOfPlainAcceptsWhereASampleIsWanted) {
  Use("set journal-sample 100%\nat mail { tag: add header \"X\" \"y\" }");
  EXPECT_EQ(log.told, 0U);
  mta.Connect();
  mta.Helo();
  EXPECT_EQ(log.told, 2U);
  Use("at mail { tag: add header \"X\" \"y\" }");
  mta.Connect();
  EXPECT_EQ(log.told, 2U);
  mta.Mail();
  EXPECT_EQ(log.told, 3U) << "a rule held";
}

TEST_F(EngineTest, AsksAllOfAnEventInOneTrip) {
  Use(kLimited);
  mta.Connect();
  mta.Mail();
  EXPECT_EQ(mta.Rcpt().action, Action::kAccept);
  EXPECT_EQ(store.trips, 1);
  EXPECT_THAT(store.asked, ElementsAre("charge per_sender a@example.net",
                                       "charge per_client 203.0.113.9",
                                       "peek offenders 203.0.113.9",
                                       "banned client.network 203.0.113.9"));
}

TEST_F(EngineTest, AsksNothingWhenARefusalHoldsBeforeEveryRuleThatAsks) {
  Use(kLimited);
  mta.Connect();
  mta.Mail();
  EXPECT_EQ(LabelOf(mta.Rcpt("<no@example.org>")), "no");
  EXPECT_EQ(store.trips, 0);
  EXPECT_THAT(store.posted, ElementsAre("charge 1 to offenders 203.0.113.9"));
}

TEST_F(EngineTest, OnlyChargesWhenAnAcceptDecidesFirst) {
  Use(kLimited);
  mta.Connect();
  mta.Mail();
  EXPECT_EQ(LabelOf(mta.Rcpt("<fine@example.org>")), "fine");
  EXPECT_THAT(store.asked, ElementsAre("charge per_sender a@example.net",
                                       "charge per_client 203.0.113.9"));
}

TEST_F(EngineTest, GivesBackOnlyWhatFitted) {
  Use(kLimited);
  store.answers["per_sender"] = kOver;
  mta.Connect();
  mta.Mail();
  const Verdict verdict = mta.Rcpt();
  EXPECT_EQ(LabelOf(verdict), "many");
  EXPECT_EQ(verdict.text, "Limit per_sender: 5 of 5, try in 18s");
  EXPECT_THAT(store.posted,
              ElementsAre("give back 1 to per_client 203.0.113.9"));
}

TEST_F(EngineTest, NamesTheFirstLimitThatIsOver) {
  Use(kLimited);
  store.answers["per_client"] = kOver;
  mta.Connect();
  mta.Mail();
  EXPECT_THAT(std::string(mta.Rcpt().text), HasSubstr("Limit per_client:"));
}

TEST_F(EngineTest, TakesAnswersFromAnotherThread) {
  Use(kLimited);
  store.later = true;
  store.answers["per_sender"] = kOver;
  mta.Connect();
  mta.Mail();
  EXPECT_EQ(LabelOf(mta.Rcpt()), "many");
}

TEST_F(EngineTest, ReadsTheClockOnceAnEvent) {
  Use(kLimited);
  clock.reads = 0;
  mta.Connect();
  mta.Helo();
  mta.Mail();
  mta.Rcpt();
  mta.Message();
  EXPECT_EQ(clock.reads, 5);
}

constexpr char kMessages[] = R"(
  limit mails 5/hour per sender counting messages
  limit volume 1000/hour per sender counting bytes
  at mail { m: defer 451 4.7.1 "Too many" when over mails or over volume }
  at rcpt { no: reject 550 5.1.1 "No" when rcpt.local == "no" }
)";

TEST_F(EngineTest, GivesAMessageBackOnceHoweverOftenItEnds) {
  Use(kMessages);
  mta.Connect();
  mta.Mail("<a@example.net>", {"SIZE=100"});
  mta.Rcpt("<no@example.org>");
  mta.Abort();
  EXPECT_THAT(store.posted,
              ElementsAre("give back 1 to mails a@example.net",
                          "give back 100 to volume a@example.net"));
  store.posted.clear();
  mta.Abort();
  mta.Mail("<a@example.net>", {"SIZE=100"});
  mta.Rcpt();
  mta.Message();
  mta.Abort();
  mta.Close();
  mta.Close();
  EXPECT_THAT(store.posted,
              ElementsAre("give back 98 to volume a@example.net"));
}

TEST_F(EngineTest, GivesBackAtMailWhatTheMessageBeforeWasCharged) {
  Use(kMessages);
  mta.Connect();
  mta.Mail("<a@example.net>");
  mta.Mail("<b@example.net>");
  EXPECT_THAT(store.posted, ElementsAre("give back 1 to mails a@example.net"));
}

TEST_F(EngineTest, GivesBackWhenTheConnectionIsLost) {
  Use(kMessages);
  mta.Connect();
  mta.Mail("<a@example.net>");
  mta.Close();
  EXPECT_THAT(store.posted, ElementsAre("give back 1 to mails a@example.net"));
}

TEST_F(EngineTest, GivesNothingBackOfADiscardedMessage) {
  Use(R"(limit mails 5/hour per sender counting messages
         at mail { d: discard when sender.local == "a" })");
  mta.Connect();
  EXPECT_EQ(mta.Mail().action, Action::kDiscard);
  mta.Abort();
  EXPECT_THAT(store.posted, IsEmpty());
}

// --- the life of a session

TEST_F(EngineTest, BeginsAnewAtASecondConnectEvent) {
  Use(R"(at connect { b: reject 554 5.7.1 "Blocked" when client.ip == 203.0.113.9 }
         at mail { a: log "{helo}" })");
  EXPECT_TRUE(mta.Connect().kept);
  EXPECT_TRUE(mta.Mail().repeat);
  EXPECT_EQ(mta.Connect("203.0.113.10").action, Action::kAccept) << "XCLIENT";
  EXPECT_EQ(mta.Mail().action, Action::kAccept);
}

TEST_F(EngineTest, BeginsAnewOnTheSameSocket) {
  Use(R"(at connect { b: reject 554 5.7.1 "Blocked" when client.ip == 203.0.113.9 })");
  EXPECT_TRUE(mta.Connect().kept);
  mta.Close();
  mta.Open();
  mta.Connect("203.0.113.10");
  EXPECT_EQ(mta.Mail().action, Action::kAccept);
}

TEST_F(EngineTest, SurvivesACloseBeforeAnything) {
  engine.Install(PolicyOf(kMessages));
  mta.Close();
  mta.Open();
  mta.Close();
  mta.Abort();
  EXPECT_THAT(store.posted, IsEmpty());
}

TEST_F(EngineTest, MakesFactsValidUtf8) {
  Use(R"(at mail { seen: log "from {sender.local}" })");
  mta.Connect();
  mta.Mail(
      "<a\xff"
      "b@example.net>");
  EXPECT_THAT(log.lines, ElementsAre("seen: from a\xEF\xBF\xBD"
                                     "b"));
}

TEST_F(EngineTest, UnfoldsHeaders) {
  Use(R"(at message { seen: log "subject {header[\"Subject\"]}" })");
  mta.Connect();
  mta.Mail();
  mta.Rcpt();
  engine.AddHeader(mta.session, "Subject", "one\r\n two");
  mta.Message();
  EXPECT_THAT(log.lines, ElementsAre("seen: subject one two"));
}

TEST_F(EngineTest, WantsOfTheBodyWhatThePolicyNeeds) {
  Use(R"(set body-limit 4
         at message { b: reject 554 5.7.1 "No" when body ~ /xyz/ })");
  mta.Connect();
  mta.Mail();
  mta.Rcpt();
  EXPECT_TRUE(engine.AddBody(mta.session, "abc"));
  EXPECT_FALSE(engine.AddBody(mta.session, "xyz"));
  EXPECT_EQ(mta.Message().action, Action::kAccept);

  Use(R"(set body-limit 4
         at message { b: reject 554 5.7.1 "No" when message.size > 5 })");
  mta.Connect();
  mta.Mail();
  mta.Rcpt();
  EXPECT_TRUE(engine.AddBody(mta.session, "abcdef"));
  EXPECT_EQ(LabelOf(mta.Message()), "b");
}

// --- what is told

TEST_F(EngineTest, CountsARuleOnceAndRepeatsApart) {
  Use(R"(at connect { b: reject 554 5.7.1 "Blocked" })");
  mta.Connect();
  mta.Helo();
  mta.Mail();
  mta.Mail();
  EXPECT_EQ(CountOf("b"), 1U);
  EXPECT_EQ(Count(Counter::kRepeats), 2U);
  EXPECT_EQ(Count(Counter::kConnections), 1U);
  EXPECT_THAT(log.lines, ElementsAre("reject by b", "again reject by b",
                                     "again reject by b"));
}

TEST_F(EngineTest, CountsEvents) {
  Use(kLimited);
  mta.Connect();
  mta.Mail();
  mta.Rcpt();
  mta.Rcpt("<late@example.org>");
  mta.macros.values["{rcpt_mailer}"] = "error";
  mta.Rcpt();
  mta.Message();
  mta.Mail();
  mta.Abort();
  EXPECT_EQ(Count(Counter::kRecipients), 3U);
  EXPECT_EQ(Count(Counter::kMessages), 1U);
  EXPECT_EQ(Count(Counter::kAborts), 1U);
  EXPECT_EQ(Count(Counter::kStoreTrips), 2U);
  EXPECT_EQ(Count(Counter::kPlainAccepts), 5U);
  EXPECT_EQ(CountOf("late"), 1U);
}

TEST_F(EngineTest, ShadowsAllRulesForServeShadow) {
  Use(R"(at mail { no: reject 550 5.7.1 "No" })",
      {.overrides = {}, .shadow = true});
  mta.Connect();
  EXPECT_EQ(mta.Mail().action, Action::kAccept);
  EXPECT_THAT(log.lines, ElementsAre("shadow reject by no"));
  EXPECT_EQ(CountOf("no"), 1U);
}

TEST_F(EngineTest, LogsRefusalsOfLocalSubmissionsThatItCannotGive) {
  Use(R"(at rcpt { no: reject 550 5.1.1 "No" })");
  mta.Connect("127.0.0.1", "localhost", 0);
  EXPECT_TRUE(mta.session.local());
  mta.Mail();
  EXPECT_EQ(mta.Rcpt().action, Action::kAccept);
  EXPECT_THAT(log.lines, ElementsAre("not given reject by no"));
  EXPECT_EQ(Count(Counter::kNotGiven), 1U);
  EXPECT_EQ(CountOf("no"), 1U);
}

TEST_F(EngineTest, ForgetsEditsOfTheMessageBefore) {
  Use(R"(at mail { t: add header "X-A" "{sender.local}" })");
  mta.Connect();
  mta.Mail("<one@example.net>");
  EXPECT_TRUE(mta.session.edits().empty()) << "not before the end";
  mta.Mail("<two@example.net>");
  mta.Rcpt();
  mta.Message();
  ASSERT_EQ(mta.session.edits().size(), 1U);
  EXPECT_EQ(mta.session.edits()[0].value, "two");
}

// --- speed

TEST_F(EngineTest, DoesNotAllocateAfterWarmUp) {
  MemoryStore memory;
  NullEventLog silent;
  Engine quiet{clock, statistics, silent, references};
  quiet.Install(PolicyOf(R"(
    list ours domains { .example.org }
    limit conns   100000/hour per client.network counting connections
    limit mails   100000/hour per sender counting messages
    limit volume  1000000000/hour per sender counting bytes
    limit rcpts   100000/hour per client.network, sender counting recipients
    limit bad     100000/hour per client.network counting rejections
    at connect {
      known: reject 554 5.7.1 "Banned" when banned(client.network)
      fast:  defer 421 4.7.0 "Too many" when over conns or over bad
      trap:  ban client.network for 1h when client.ip == 198.51.100.200
    }
    at helo    { odd: reject 550 5.7.1 "Odd name" when helo ~ /^odd-[0-9]+$/ }
    at mail    { many: defer 451 4.7.1 "Too many" when over mails or over volume }
    at rcpt {
      no_relay: reject 554 5.7.1 "Relaying to {rcpt.domain} denied" when rcpt.domain not in ours
      r:        defer 451 4.7.1 "Limit {limit.name}" when over rcpts
    }
    at message {
      tag:  add header "X-Bulk" "of {sender.domain}" when header["Precedence"] == "bulk"
      body: reject 554 5.7.1 "No" when body ~ /eicar/i
    })"));
  FakeMta client{quiet, memory};
  const auto play = [&] {
    client.Open();
    client.Connect();
    client.Helo("mail.example.net");
    client.Mail("<sender@example.net>", {});
    client.Rcpt("<a@elsewhere.example>");
    client.Rcpt("<b@sub.example.org>");
    client.Data();
    quiet.AddHeader(client.session, "Precedence", "bulk");
    quiet.AddHeader(client.session, "X-Bulk", "forged");
    client.Headers();
    quiet.AddBody(client.session, "hello hello hello hello hello hello\r\n");
    client.Message();
    client.Close();
  };
  client.Open();
  client.Connect("198.51.100.200");  // from now on there is a ban to look for
  for (int i = 0; i < 3; ++i) play();
  const size_t before = ThreadAllocations();
  for (int i = 0; i < 10; ++i) play();
  EXPECT_EQ(ThreadAllocations() - before, 0U);
}

}  // namespace
}  // namespace gate::policy
