// A Dialogue with an MTA that does not keep to the protocol, or is turned
// away.
#include "milter/dialogue.h"
#include "tests/milter/dialogue_fixture.h"

namespace gate::milter {
namespace {

using policy::Counter;
using State = Dialogue::State;
using std::string_literals::operator""s;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using OddDialogueTest = DialogueTest;

// --- Order.

TEST_F(OddDialogueTest, EndsWhereAnythingComesBeforeTheNegotiation) {
  for (const char command : std::string("ABCDEHKLMNRTUx\0\xff", 16)) {
    Open(kNoRelay);
    ExpectEnd(Say({command, "x"}), Counter::kOutOfOrder,
              "command " + std::string(1, command));
    TearDown();
  }
}

TEST_F(OddDialogueTest, EndsWithoutAWordAtQuit) {
  for (const bool negotiated : {false, true}) {
    Open(kNoRelay);
    if (negotiated) Negotiate();
    EXPECT_THAT(Say({'Q'}), IsEmpty());
    EXPECT_EQ(mta_->state(), State::kQuit);
    EXPECT_THAT(Counted(), IsEmpty());
    TearDown();
  }
}

TEST_F(OddDialogueTest, EndsWithACommandThatItDoesNotKnow) {
  const std::string known = "ABCDEHKLMNOQRTU";
  for (int byte = -128; byte < 128; ++byte) {
    const char command = static_cast<char>(byte);
    if (known.find(command) != std::string::npos) continue;
    Open(kNoRelay);
    Negotiate();
    ExpectEnd(Say({command, "x"}), Counter::kUnknownCommands,
              "command " + std::to_string(byte));
    TearDown();
  }
}

TEST_F(OddDialogueTest, AnswersAnUnknownCommandOfSmtp) {
  Open(kNoRelay);
  NegotiateAndConnect();
  EXPECT_THAT(Say(TextsPacket('U', {"FOO"})), ElementsAre("c"));
  EXPECT_THAT(Say({'U'}), ElementsAre("c"));
  // Also within a message, which goes on.
  EXPECT_THAT(SayAll({kMail, TextsPacket('U', {"FOO"}), kRcpt, kEnd}),
              "c c c c ");
  EXPECT_THAT(Counted(), IsEmpty());
}

TEST_F(OddDialogueTest, CountsEventsOfNoMessageAndAnswersThem) {
  const std::vector<MtaPacket> events = {
      kRcpt, {'T'}, TextsPacket('L', {"a", "b"}), {'N'}, {'B', "b"}, kEnd};
  for (const MtaPacket& event : events) {
    Open(kContent);
    NegotiateAndConnect();
    const std::vector<std::string> answer = Say(event);
    const bool silent = event.command == 'L';
    EXPECT_EQ(answer.size(), silent ? 0u : 1u) << event.command;
    EXPECT_EQ(mta_->state(), State::kOpen) << event.command;
    EXPECT_EQ(Counted(), (std::map<std::string, uint64_t>{{"out_of_order", 1}}))
        << event.command;
    EXPECT_THAT(SayAll({kMail, kRcpt, kEnd}), "c c c ") << event.command;
    TearDown();
  }
}

TEST_F(OddDialogueTest, CountsASecondConnectAndBeginsAnew) {
  Open("at mail { two: reject \"Two\" when client.ip == 192.0.2.2 }");
  NegotiateAndConnect();
  EXPECT_THAT(Say(ConnectPacket("y", "192.0.2.2", 1)), ElementsAre("c"));
  EXPECT_THAT(Say(kMail), ElementsAre("y 554 5.7.1 Two|"));
  EXPECT_EQ(Counted(), (std::map<std::string, uint64_t>{{"out_of_order", 1}}));
}

TEST_F(OddDialogueTest, AMessageEndsWithItsEndOrAbort) {
  for (const MtaPacket& end : {kEnd, MtaPacket{'A'}, kHelo}) {
    Open(kNoRelay);
    NegotiateAndConnect();
    SayAll({kMail, kRcpt, end});
    EXPECT_THAT(Counted(), IsEmpty()) << end.command;
    Say(kRcpt);
    EXPECT_EQ(Counted().at("out_of_order"), 1u) << end.command;
    TearDown();
  }
}

TEST_F(OddDialogueTest, AMessageWithoutMailIsNotJudgedByTheOneBefore) {
  Open(kContent);
  NegotiateAndConnect();
  const std::string casino = "y 554 5.7.1 Casino| ";
  EXPECT_EQ(SayAll({kMail, kRcpt, {'B', "casi"}, kEnd}), "c c c c ");
  EXPECT_EQ(SayAll({kRcpt, {'B', "no"}, kEnd}), "c c c ");
  EXPECT_EQ(SayAll({{'B', "casino"}, kEnd}), "c " + casino);
  EXPECT_EQ(SayAll({kEnd}), "c ");
  EXPECT_EQ(SayAll({kMail, kRcpt, {'B', "casi"}, {'B', "no"}, kEnd}),
            "c c c c " + casino);
}

TEST_F(OddDialogueTest, GivesBackWhatAMessageWithoutAnEndWasCharged) {
  for (const MtaPacket& next : {kMail, kHelo, kConnect, MtaPacket{'A'}}) {
    Open(R"(
      limit few 1/hour per client.ip counting messages
      at mail { many: defer 451 4.7.1 "Slowly" when over few }
    )");
    NegotiateAndConnect();
    for (int message = 0; message < 3; ++message) {
      EXPECT_THAT(SayAll({kMail}), "c ") << next.command;
      EXPECT_THAT(SayAll({next}), next.command == 'A' ? "" : "c ")
          << next.command;
    }
    TearDown();
  }
}

TEST_F(OddDialogueTest, ARefusedMailBeginsNoMessage) {
  Open("at mail { all: reject 550 5.7.1 \"No\" when sender.local == \"a\" }");
  NegotiateAndConnect();
  EXPECT_THAT(SayAll({kMail, kMail}), "y 550 5.7.1 No| y 550 5.7.1 No| ");
  EXPECT_EQ(world_->Counted(Counter::kAborts), 0u);
  EXPECT_THAT(Say(kRcpt), ElementsAre("c"));
  EXPECT_EQ(Counted().at("out_of_order"), 1u);
}

TEST_F(OddDialogueTest, MissesNoMailThatWasNotAskedFor) {
  Open("at connect { six: defer 421 4.7.0 \"No\" when client.port == 1 }");
  EXPECT_NE(Negotiate().steps & kStepNoMail, 0u);
  SayAll({kConnect, kRcpt, kEnd});
  EXPECT_THAT(Counted(), IsEmpty());
}

TEST_F(OddDialogueTest, LivesWithAbortAtAnyTime) {
  Open(kContent);
  Negotiate();
  const std::vector<MtaPacket> message = {
      kConnect, kHelo,      kMail,
      kRcpt,    {'T'},      TextsPacket('L', {"X-Gate", "forged"}),
      {'N'},    {'B', "b"}, kEnd};
  for (size_t length = 0; length <= message.size(); ++length) {
    SayAll({message.begin(), message.begin() + static_cast<ptrdiff_t>(length)});
    EXPECT_THAT(SayAll({{'A'}, {'A'}}), "");
    EXPECT_EQ(mta_->state(), State::kOpen) << length;
  }
  EXPECT_THAT(SayAll({kConnect, kMail, kRcpt, kEnd}), "c c c c ")
      << "no header of the message that was aborted";
}

TEST_F(OddDialogueTest, BeginsAnewOnTheSameConnection) {
  Open(R"(at mail {
    two: reject 550 5.7.1 "Two" when client.ip == 192.0.2.2
    bob: reject 550 5.7.1 "No Bob" when auth.user == "bob"
  })");
  NegotiateAndConnect();
  SayAll({kHelo, MacrosPacket('M', {{"{auth_authen}", "bob"}})});
  EXPECT_THAT(Say({'K'}), IsEmpty());
  EXPECT_THAT(Say(ConnectPacket("y", "192.0.2.3", 1)), ElementsAre("c"));
  EXPECT_THAT(Say(kMail), ElementsAre("c")) << "its macros are gone";
  EXPECT_THAT(Say({'K'}), IsEmpty());
  EXPECT_THAT(Say(ConnectPacket("y", "192.0.2.2", 1)), ElementsAre("c"));
  EXPECT_THAT(Say(kMail), ElementsAre("y 550 5.7.1 Two|"));
  EXPECT_EQ(world_->Counted(Counter::kConnections), 3u);
}

// --- Malformed arguments.

TEST_F(OddDialogueTest, EndsWithArgumentsThatDoNotFit) {
  const MtaPacket faults[] = {
      {'O'},
      {'O', "\0\0\0\6\0\0\0\0\0\0\0"s},
      {'C'},
      {'C', "no end"},
      {'C', "x\0"s},
      {'C',
       "x\0"
       "4"s},
      {'C',
       "x\0"
       "4\0\x19"
       "192.0.2\0"s},
      {'H'},
      {'H', "no end"},
      {'M'},
      {'M', "no end"},
      {'M', "<>\0no end"s},
      {'R'},
      {'R', "no end"},
      {'L'},
      {'L', "no end"},
      {'L', "no value\0"s},
      {'L', "no end\0x"s},
      {'D'},
      {'D', "Cno end"},
      {'D', "Cname\0"s},
      {'D', "Cname\0value\0name\0"s},
  };
  for (const MtaPacket& fault : faults) {
    Open(kContent);
    Negotiate();
    if (fault.command != 'C') SayAll({kConnect});
    if (fault.command == 'R' || fault.command == 'L') SayAll({kMail});
    ExpectEnd(Say(fault), Counter::kMalformedPackets,
              std::string(1, fault.command) + " " + fault.data);
    TearDown();
  }
}

TEST_F(OddDialogueTest, LivesWithArgumentsWhereNoneAreDue) {
  Open(kContent);
  NegotiateAndConnect();
  EXPECT_THAT(SayAll({kMail, kRcpt, {'T', "x"}, {'N', "x"}, {'A', "x"}}),
              "c c c c ");
  EXPECT_THAT(Counted(), IsEmpty());
}

TEST_F(OddDialogueTest, LivesWithMacrosForAnyCommand) {
  Open(kNoRelay);
  Negotiate();
  for (int byte = -128; byte < 128; ++byte) {
    EXPECT_THAT(Say(MacrosPacket(static_cast<char>(byte), {})), IsEmpty());
    EXPECT_THAT(Say(MacrosPacket(static_cast<char>(byte), {{"", ""}})),
                IsEmpty());
  }
  EXPECT_THAT(SayAll({kConnect, kMail, kRcpt}), "c c c ");
}

// --- Turned away, drained, broken off.

TEST_F(OddDialogueTest, TurnsAwayAtTheFirstEvent) {
  for (const Counter why : {Counter::kTurnedAway, Counter::kDrained}) {
    Open("at message { tag: add header \"X-Gate\" \"yes\" }");
    mta_->dialogue().TurnAway(why);
    const Features agreed = Negotiate();
    EXPECT_EQ(agreed.steps & (kStepNoConnect | kStepNoMail), 0u);
    EXPECT_NE(agreed.steps & kStepNoBody, 0u);
    EXPECT_EQ(world_->Counted(Counter::kConnections), 0u);
    EXPECT_THAT(Say(MacrosPacket('C', {{"j", "mx"}})), IsEmpty());
    EXPECT_THAT(Counted(), IsEmpty()) << "nothing was answered yet";
    ExpectEnd(Say(kConnect), why, "");
    TearDown();
  }
}

TEST_F(OddDialogueTest, SaysWhyItTurnsAway) {
  const std::map<Counter, std::string> texts = {
      {Counter::kTurnedAway, "Too many connections"},
      {Counter::kDrained, "shutting down"}};
  for (const auto& [why, text] : texts) {
    Open(kNoRelay);
    NegotiateAndConnect();
    SayAll({kMail});
    mta_->dialogue().TurnAway(why);
    EXPECT_THAT(Say({'A'}), IsEmpty());
    EXPECT_THAT(Say(kMail), ElementsAre(HasSubstr(text)));
    EXPECT_EQ(mta_->state(), State::kFarewell);
    TearDown();
  }
}

TEST_F(OddDialogueTest, TurnsAwayAtNoEventThatIsNotAnswered) {
  Open(kContent);
  NegotiateAndConnect();
  SayAll({kMail, kRcpt});
  mta_->dialogue().TurnAway(Counter::kDrained);
  EXPECT_THAT(Say(TextsPacket('L', {"a", "b"})), IsEmpty());
  EXPECT_EQ(mta_->state(), State::kOpen);
  ExpectEnd(Say({'N'}), Counter::kDrained, "");
}

TEST_F(OddDialogueTest, AnswersWhatWaitsBeforeItTurnsAway) {
  Open(kLimited);
  Negotiate();
  SayAll({kConnect, kMail});
  world_->store().Hold();
  Say(kRcpt);
  mta_->dialogue().TurnAway(Counter::kDrained);
  world_->store().Release();
  EXPECT_THAT(Read(mta_->Resume()), ElementsAre("c"));
  ExpectEnd(Say(kRcpt), Counter::kDrained, "");
}

TEST_F(OddDialogueTest, BreaksOffWithA421) {
  Open(kNoRelay);
  std::string out;
  EXPECT_EQ(mta_->dialogue().Break(Counter::kTooBigPackets, out),
            State::kFarewell);
  EXPECT_THAT(Read(out),
              ElementsAre("y 421 4.3.2 Temporary failure, try again later|"));
  EXPECT_EQ(Counted(),
            (std::map<std::string, uint64_t>{{"too_big_packets", 1}}));
}

TEST_F(OddDialogueTest, MayBeClosedAtAnyTime) {
  Open(R"(
    limit few 3/hour per client.ip counting messages
    at mail { many: defer when over few }
  )");
  const std::vector<MtaPacket> message = {OfferPacket(), kConnect, kMail};
  for (int round = 0; round < 20; ++round) {
    for (size_t length = 0; length <= message.size(); ++length) {
      mta_ = std::make_unique<DialogueMta>(*world_);
      for (size_t i = 0; i < length; ++i) Say(message[i]);
      mta_->dialogue().Close();
      mta_->dialogue().Close();
    }
  }
  mta_ = std::make_unique<DialogueMta>(*world_);
  EXPECT_EQ(SayAll(message).substr(SayAll({}).size(), 1), "O");
  EXPECT_THAT(Say(kMail), ElementsAre("c")) << "messages were given back";
}

}  // namespace
}  // namespace gate::milter
