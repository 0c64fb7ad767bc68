#include "tests/bench/session_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gate::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kMessage =
    "kind message 1\n"
    "connect mx.example 192.0.2.1\n"
    "helo mx{1-1}.example\n"
    "mail <a@b.example>\n"
    "rcpt <c@d.example>\n"
    "data\n"
    "header Subject: x\n"
    "header To: y\n"
    "end-of-headers\n"
    "body 70000\n"
    "end-of-message\n";

class SessionScriptTest : public testing::Test {
 protected:
  // The session as packets, one string a turn: "D:C C" and so on; the last one
  // is what ends the session.
  std::vector<std::string> Turns(std::string_view text) {
    mix_ = *ParseMix(text);
    script_ = *MakeScript(mix_.front(), negotiation_, random_);
    std::vector<std::string> turns;
    size_t at = 0;
    for (const Turn& turn : script_.turns) {
      turns.push_back(Packets(at, turn.end));
      at = turn.end;
    }
    turns.push_back(Packets(at, script_.bytes.size()));
    return turns;
  }
  std::string Packets(size_t at, size_t end) const {
    std::string names;
    while (at < end) {
      const std::string_view bytes(script_.bytes);
      if (!names.empty()) names += ' ';
      names += bytes[at + 4];
      if (bytes[at + 4] == 'D') names += std::string(":") + bytes[at + 5];
      at += 4 + milter::NumberAt(bytes, at);
    }
    return names;
  }

  milter::NegotiationAnswer negotiation_;
  std::mt19937_64 random_{1};
  Mix mix_;
  SessionScript script_;
};

TEST_F(SessionScriptTest, AsksForEachStepWithItsMacros) {
  EXPECT_THAT(Turns(kMessage),
              ElementsAre("D:C C", "D:H H", "D:M M", "D:R R", "D:T T", "D:L L",
                          "D:L L", "D:N N", "D:B B", "D:B B", "D:E E", "Q"));
}

TEST_F(SessionScriptTest, LeavesOutWhatTheMilterDoesNotWant) {
  negotiation_.agreed.steps = milter::kStepNoHelo | milter::kStepNoData |
                              milter::kStepNoReplyToHeaders |
                              milter::kStepNoBody;
  EXPECT_THAT(Turns(kMessage), ElementsAre("D:C C", "D:M M", "D:R R",
                                           "D:L L D:L L D:N N", "D:E E", "Q"));
}

TEST_F(SessionScriptTest, AbortsAMessageThatHasNotEnded) {
  EXPECT_THAT(Turns("kind relay 1\nmail <a@b>\nrcpt <c@d> -> 554\n"),
              ElementsAre("D:M M", "D:R R", "A Q"));
}

TEST_F(SessionScriptTest, SendsTheMacrosThatWereAskedFor) {
  negotiation_.macros = {{0, "{client_port} j {if_name}"}, {1, ""}};
  Turns(
      "kind k 1\nconnect mx.example 192.0.2.1\n"
      "macro {tls_version} TLSv1.3\nhelo x\n");
  using std::string_literals::operator""s;
  EXPECT_THAT(script_.bytes,
              HasSubstr("DC{client_port}\0"s + "40125\0j\0mx.example.org\0"s));
  EXPECT_THAT(script_.bytes, HasSubstr("DH{tls_version}\0TLSv1.3\0"s));
}

TEST_F(SessionScriptTest, DrawsNumbers) {
  Turns("kind k 1\nhelo {7-7}.{j}.{9-8}{3-3}\n");
  EXPECT_THAT(script_.bytes, HasSubstr("H7.{j}.{9-8}3"));
}

TEST_F(SessionScriptTest, RefusesAVerdictThatCannotCome) {
  negotiation_.agreed.steps = milter::kStepNoRcpt;
  mix_ = *ParseMix("kind relay 1\nrcpt <c@d> -> 554\n");
  const auto script = MakeScript(mix_.front(), negotiation_, random_);
  ASSERT_FALSE(script.ok());
  EXPECT_THAT(std::string(script.status().message()),
              HasSubstr("decides nothing at rcpt"));
}

}  // namespace
}  // namespace gate::bench
