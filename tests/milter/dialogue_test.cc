// A Dialogue with an MTA, without sockets: negotiation, verdicts, a store that
// answers later. What both doors answer alike is compared in
// same_bytes_test.cc.
#include "milter/dialogue.h"

#include "tests/allocations.h"
#include "tests/milter/dialogue_fixture.h"

namespace gate::milter {
namespace {

using policy::Counter;
using State = Dialogue::State;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// --- Negotiation.

TEST_F(DialogueTest, AnswersInTheOlderOfBothVersions) {
  for (const auto& [offered, answered] : std::map<uint32_t, uint32_t>{
           {2, 2}, {3, 3}, {4, 4}, {5, 5}, {6, 6}, {7, 6}, {0xffffffff, 6}}) {
    Open(kNoRelay);
    Negotiate(kPostfixOffers, offered);
    EXPECT_EQ(answered_version_, answered) << offered;
    EXPECT_EQ(mta_->state(), State::kOpen);
    TearDown();
  }
}

TEST_F(DialogueTest, EndsWithAVersionThatIsTooOld) {
  for (const uint32_t version : {0u, 1u}) {
    Open(kNoRelay);
    ExpectEnd(Say(OfferPacket(kPostfixOffers, version)),
              Counter::kMalformedPackets, std::to_string(version));
    TearDown();
  }
}

TEST_F(DialogueTest, AsksOnlyForWhatIsOffered) {
  for (const uint32_t steps : {0u, 0x7fu, 0x3ffu, 0x1fffffu, 0xffffffffu}) {
    for (const uint32_t actions : {0u, 0x1u, 0x3fu, 0x1ffu, 0xffffffffu}) {
      Open(kContent);
      const Features agreed = Negotiate({.actions = actions, .steps = steps});
      EXPECT_EQ(agreed.steps & ~steps, 0u) << steps;
      EXPECT_EQ(agreed.actions & ~actions, 0u) << actions;
      EXPECT_EQ(agreed.steps & (kStepData256K | kStepData1M), 0u);
      TearDown();
    }
  }
}

// All of them would be lost verdicts.
TEST_F(DialogueTest, NeverGivesUpTheReplyToAnEventWithAVerdict) {
  Open(kContent);
  constexpr uint32_t kNoReply = kStepNoReplyToConnect | kStepNoReplyToHelo |
                                kStepNoReplyToMail | kStepNoReplyToRcpt |
                                kStepNoReplyToData | kStepNoReplyToUnknown |
                                kStepNoReplyToEndOfHeaders | kStepNoReplyToBody;
  const Features agreed = Negotiate();
  EXPECT_EQ(agreed.steps & kNoReply, 0u);
  EXPECT_NE(agreed.steps & kStepNoReplyToHeaders, 0u);
  EXPECT_THAT(SayAll({kConnect, kHelo, kMail, kRcpt, {'T'}}), "c c c c c ");
  EXPECT_THAT(Say(TextsPacket('L', {"Subject", "s"})), IsEmpty());
  EXPECT_THAT(SayAll({{'N'}, {'B', "text"}, kEnd}), "c c c ");
}

TEST_F(DialogueTest, AnswersHeadersToAnMtaThatWaitsForIt) {
  Open(kContent);
  Negotiate({.actions = 0x3f, .steps = 0x7f}, 2);
  SayAll({kConnect, kHelo, kMail, kRcpt});
  EXPECT_THAT(Say(TextsPacket('L', {"Subject", "s"})), ElementsAre("c"));
}

TEST_F(DialogueTest, BeginsAnewWhenItNegotiatesTwice) {
  Open(kContent);
  Negotiate({.actions = 0, .steps = 0});
  SayAll({kConnect, kMail, kRcpt});
  EXPECT_NE(Negotiate().actions & kActionAddHeaders, 0u);
  EXPECT_THAT(Say(kConnect), ElementsAre("c"));
  SayAll({kMail, kRcpt, TextsPacket('L', {"Precedence", "bulk"})});
  EXPECT_THAT(Say(kEnd), ElementsAre("h X-Gate|yes|", "c"));
  EXPECT_THAT(Counted(), IsEmpty());
}

// --- Verdicts.

TEST_F(DialogueTest, LeavesOutChangesThatAreNotOffered) {
  for (const auto& [actions, expected] :
       std::map<uint32_t, std::vector<std::string>>{
           {0, {"c"}},
           {kActionAddHeaders, {"h X-Gate|yes|", "c"}},
           {kActionChangeHeaders, {"m |||\1x-gate||", "c"}},
           {kActionQuarantine, {"q odd one|", "c"}},
           {0x1ff, {"m |||\1x-gate||", "h X-Gate|yes|", "q odd one|", "c"}}}) {
    Open(kContent);
    Negotiate({.actions = actions, .steps = kPostfixOffers.steps});
    SayAll({kConnect, TextsPacket('M', {"<odd@a.example>"}), kRcpt,
            TextsPacket('L', {"X-Gate", "forged"}),
            TextsPacket('L', {"Precedence", "bulk"})});
    EXPECT_EQ(Say(kEnd), expected) << actions;
    TearDown();
  }
}

TEST_F(DialogueTest, TakesTheRestOfTheBodyWithItsEnd) {
  Open(kContent);
  Negotiate();
  SayAll({kConnect, kMail, kRcpt, {'N'}, {'B', "a cas"}});
  EXPECT_THAT(Say({'E', "ino"}), ElementsAre("y 554 5.7.1 Casino|"));
}

TEST_F(DialogueTest, AnswersOnceWhereTheLastOfTheBodyIsTooMuch) {
  Open(kContent);
  Negotiate();
  SayAll({kConnect, kMail, kRcpt, {'N'}});
  EXPECT_THAT(Say({'E', std::string(2000, 'x')}), ElementsAre("c"));
}

// --- A store that answers later.

TEST_F(DialogueTest, AnswersWhenTheStoreHas) {
  Open(kLimited);
  Negotiate();
  SayAll({kConnect, kMail});
  world_->store().Hold();
  EXPECT_THAT(Say(kRcpt), IsEmpty());
  EXPECT_EQ(mta_->state(), State::kWaiting);
  EXPECT_FALSE(mta_->answered());
  world_->store().Release();
  EXPECT_TRUE(mta_->answered());
  EXPECT_THAT(Read(mta_->Resume()), ElementsAre("c"));
  EXPECT_EQ(mta_->state(), State::kOpen);

  world_->store().Hold();
  EXPECT_THAT(Say(kRcpt), IsEmpty());
  world_->store().Release();
  EXPECT_THAT(Read(mta_->Resume()), ElementsAre("y 451 4.7.1 Slowly|"));
}

TEST_F(DialogueTest, DoesNotWaitForAStoreThatAnswersAtOnce) {
  Open(kLimited);
  Negotiate();
  SayAll({kConnect, kMail});
  EXPECT_THAT(Say(kRcpt), ElementsAre("c"));
  EXPECT_FALSE(mta_->answered()) << "nobody is to be told";
  EXPECT_THAT(Say(kRcpt), ElementsAre("y 451 4.7.1 Slowly|"));
}

TEST_F(DialogueTest, ChangesTheMessageWhenTheStoreHasAnswered) {
  Open(R"(
    at rcpt { harvest: ban client.ip for 1h when rcpt.rejected > 3 }
    at message {
      hated: reject 554 5.7.1 "Hated" when banned(client.ip)
      tag: add header "X-Gate" "yes"
    }
  )");
  Negotiate();
  SayAll({kConnect, kMail, kRcpt});
  world_->store().Hold();
  EXPECT_THAT(Say(kEnd), IsEmpty());
  ASSERT_EQ(mta_->state(), State::kWaiting);
  world_->store().Release();
  EXPECT_THAT(Read(mta_->Resume()), ElementsAre("h X-Gate|yes|", "c"));
  EXPECT_THAT(SayAll({kMail, kRcpt}), "c c ");
}

TEST_F(DialogueTest, GivesBackAMessageThatTheNextOneEnds) {
  Open(R"(
    limit posts 1/hour per client.ip counting messages
    at mail { too_much: defer 451 4.7.1 "Enough" when over posts }
    at rcpt { unknown: reject 550 5.1.1 "Unknown" when rcpt.local == "b" }
  )");
  NegotiateAndConnect();
  EXPECT_THAT(Say(kMail), ElementsAre("c"));
  EXPECT_THAT(Say(kRcpt), ElementsAre("y 550 5.1.1 Unknown|"));
  EXPECT_THAT(Say(kMail), ElementsAre("c")) << "nobody accepted the first";
  EXPECT_THAT(Say(TextsPacket('R', {"<c@b.example>"})), ElementsAre("c"));
  EXPECT_THAT(Say(kMail), ElementsAre("y 451 4.7.1 Enough|"));
}

TEST_F(DialogueTest, AllocatesNothingAfterTheFirstMessages) {
  Open(std::string(kLimited) + kContent);
  Negotiate();
  SayAll({kConnect, kHelo});
  const std::vector<MtaPacket> message = {
      MacrosPacket('M', {{"{auth_authen}", "alice"}}),
      kMail,
      MacrosPacket('R', {{"{rcpt_addr}", "b@b.example"}}),
      kRcpt,
      {'T'},
      TextsPacket('L', {"Subject", "A message that is longer than 15 bytes"}),
      {'N'},
      {'B', std::string(500, 'x')},
      kEnd};
  std::string out;
  size_t allocated = 0;
  for (int round = 0; round < 5; ++round) {
    const size_t before = ThreadAllocations();
    for (const auto& [command, data] : message) {
      out.clear();
      mta_->dialogue().Take({.command = command, .data = data}, out);
    }
    allocated = ThreadAllocations() - before;
  }
  EXPECT_EQ(allocated, 0u);
}

// --- gatemilter's own failures.

TEST_F(DialogueTest, AnswersItsOwnFailureWithTheFailureVerdict) {
  for (const auto& [verdict, expected] :
       std::map<std::string, std::string>{{"defer", "t"}, {"accept", "c"}}) {
    Open("set failure " + verdict + "\n" + kNoRelay);
    NegotiateAndConnect();
    SayAll({kMail});
    world_->clock().Fail();
    EXPECT_THAT(Say(kRcpt), ElementsAre(expected));
    EXPECT_EQ(mta_->state(), State::kOpen);
    EXPECT_EQ(Counted(), (std::map<std::string, uint64_t>{{"failures", 1}}));
    TearDown();
  }
}

}  // namespace
}  // namespace gate::milter
