// A Dialogue under a policy, and an MTA that talks to it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/milter/dialogue_mta.h"
#include "tests/rules/policy_text.h"

namespace gate::milter {

inline constexpr char kNoRelay[] = R"(at rcpt {
  no_relay: reject 554 5.7.1 "Relaying denied" when rcpt.domain != "b.example"
})";

inline constexpr char kLimited[] = R"(
  limit few 1/hour per client.ip counting recipients
  at rcpt { too_many: defer 451 4.7.1 "Slowly" when over few }
)";

// Rules for all stages: every step is negotiated.
inline constexpr char kContent[] = R"(
  set body-limit 1K
  at helo { liar: reject 550 5.7.1 "Not your name" when helo == "b.example" }
  at mail { odd: quarantine "odd one" when sender.local == "odd" }
  at rcpt { few: reject 550 5.7.1 "Enough" when rcpt.count > 100 }
  at data { none: reject 550 5.7.1 "Nobody" when rcpt.count > 100 }
  at headers { forged: reject 550 5.7.1 "From" when from.domain == "b.example" }
  at message {
    tag: add header "X-Gate" "yes" when header["Precedence"] == "bulk"
    casino: reject 554 5.7.1 "Casino" when body ~ /casino/
  }
)";

inline const MtaPacket kConnect =
    ConnectPacket("mx.a.example", "192.0.2.1", 25000);
inline const MtaPacket kHelo = TextsPacket('H', {"mx.a.example"});
inline const MtaPacket kMail = TextsPacket('M', {"<a@a.example>"});
inline const MtaPacket kRcpt = TextsPacket('R', {"<b@b.example>"});
inline const MtaPacket kEnd = {'E'};

class DialogueTest : public ::testing::Test {
 protected:
  // A connection under the policy that `text` says.
  void Open(const std::string& text) {
    world_ = std::make_unique<DialogueWorld>(rules::CompileText(text));
    mta_ = std::make_unique<DialogueMta>(*world_);
  }
  void TearDown() override {
    mta_.reset();  // before its world
  }

  // The packets of the answer as "c", "y 554 5.7.1 ...", "h X-Gate|yes|".
  std::vector<std::string> Say(const MtaPacket& packet) {
    return Read(mta_->Say(packet));
  }
  std::vector<std::string> Read(const std::string& bytes) {
    const auto packets = ReadAnswer(bytes);
    if (!packets) return {"unreadable"};
    std::vector<std::string> texts;
    for (const auto& [command, data] : *packets) {
      std::string text(1, command);
      if (!data.empty()) text += ' ';
      for (const char byte : data) text += byte == '\0' ? '|' : byte;
      texts.push_back(text);
    }
    return texts;
  }
  // The answers to all of them, each ended by a blank.
  std::string SayAll(const std::vector<MtaPacket>& packets) {
    std::string all;
    for (const MtaPacket& packet : packets) {
      for (const std::string& text : Say(packet)) all += text + " ";
    }
    return all;
  }
  Features Negotiate(const Features& offered = kPostfixOffers,
                     uint32_t version = 6) {
    const auto packets = ReadAnswer(mta_->Say(OfferPacket(offered, version)));
    if (!packets || packets->size() != 1 || (*packets)[0].command != 'O') {
      ADD_FAILURE() << "no answer to the offer";
      return {};
    }
    answered_version_ = NumberAt((*packets)[0].data, 0);
    return ReadNegotiation((*packets)[0].data)->agreed;
  }
  void NegotiateAndConnect() {
    Negotiate();
    EXPECT_THAT(Say(kConnect), ::testing::ElementsAre("c"));
  }
  // The counters of the native door that are not zero.
  std::map<std::string, uint64_t> Counted() const {
    std::map<std::string, uint64_t> counted;
    for (const policy::Counter counter :
         {policy::Counter::kFailures, policy::Counter::kTurnedAway,
          policy::Counter::kDrained, policy::Counter::kOutOfOrder,
          policy::Counter::kUnknownCommands, policy::Counter::kMalformedPackets,
          policy::Counter::kTooBigPackets}) {
      const uint64_t count = world_->Counted(counter);
      if (count > 0) counted[std::string(policy::CounterName(counter))] = count;
    }
    return counted;
  }
  // The connection ended with a 421, and this was counted, once.
  void ExpectEnd(const std::vector<std::string>& answer, policy::Counter why,
                 const std::string& context) {
    EXPECT_EQ(mta_->state(), Dialogue::State::kFarewell) << context;
    ASSERT_EQ(answer.size(), 1u) << context;
    EXPECT_THAT(answer[0], ::testing::StartsWith("y 421 4.3.2 ")) << context;
    const std::map<std::string, uint64_t> expected = {
        {std::string(policy::CounterName(why)), 1}};
    EXPECT_EQ(Counted(), expected) << context;
  }

  std::unique_ptr<DialogueWorld> world_;
  std::unique_ptr<DialogueMta> mta_;
  uint32_t answered_version_ = 0;
};

}  // namespace gate::milter
