// Every rule of contrib/policies/ten-rules.rules decides its session through
// real MTAs: the reply and the stage at which it is heard.

#include <gmock/gmock.h>

#include <string>
#include <utility>

#include "tests/mta/gate_test.h"

namespace gate::mta {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

constexpr char kPolicy[] = GATE_SOURCE_DIR "/contrib/policies/ten-rules.rules";

class TenRules : public BothMtasTest {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(StartGate(ReadFile(kPolicy)));
  }
  // What MTAs make of a 421 at connect: the text is theirs.
  void ExpectTurnedAway(SmtpClient client) const {
    EXPECT_EQ(client.greeting().text,
              PostfixOrSendmail(
                  "421 mx.private.test Service unavailable - try again later",
                  "421 4.7.0 mx.private.test closing connection"));
    EXPECT_EQ(client.Send("NOOP").code, 0) << "the connection is closed";
  }
};
GATE_BOTH_MTAS(TenRules);

// Only Postfix has a way to show such clients to gatemilter here.
class Ipv6TenRules : public GateTest {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(StartGate(ReadFile(kPolicy)));
  }
};

TEST_P(TenRules, BlockedNetworkIsToldAtMailAndInEveryTransaction) {
  SmtpClient client = Visit({.address = "198.51.100.7"});
  EXPECT_EQ(client.greeting().code, 220);
  EXPECT_EQ(client.helo().code, 250);
  EXPECT_EQ(client.Mail("<a@spam.example>").text,
            mta().Here("554 5.7.1 Blocked network: 198.51.100.7"));
  EXPECT_EQ(client.Send("RSET").code, 250);
  EXPECT_EQ(client.Mail("<>").text,
            mta().Here("554 5.7.1 Blocked network: 198.51.100.7"));
  EXPECT_EQ(gate().RuleCount("connect", "blocked_network"), 1);
  EXPECT_EQ(gate().Count("repeats"), 2);
}

TEST_F(Ipv6TenRules, BlockedNetworkIsTold) {
  SmtpClient client = Visit({.address = "2001:db8:bad::7"});
  EXPECT_EQ(client.Mail("<a@spam.example>").text,
            "554 5.7.1 Blocked network: 2001:db8:bad::7");
}

// 421 is the one refusal that takes effect at connect: the MTA hangs up.
TEST_P(TenRules, TooManyConnectionsAreTurnedAwayAtOnce) {
  int admitted = 0;
  for (; admitted < 100; ++admitted) {
    SmtpClient client(mta().port());
    if (client.greeting().code == 220) continue;
    ExpectTurnedAway(std::move(client));
    break;
  }
  // A burst of 30, and one more for each second that this took.
  EXPECT_GE(admitted, 30);
  EXPECT_LE(admitted, 45);
  EXPECT_EQ(gate().RuleCount("connect", "too_many"), 1);
}

// Ten refusals use up `offenders`: then even the connection is refused.
TEST_P(TenRules, OffendersAreTurnedAway) {
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@spam.example>").code, 250);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(client.Rcpt("<b@elsewhere.example>").code, 554);
  }
  EXPECT_EQ(client.Send("RSET").code, 250);
  ExpectTurnedAway(Visit());
  EXPECT_EQ(gate().RuleCount("connect", "too_many"), 1);
}

TEST_P(TenRules, ForgedHeloIsToldAtMail) {
  SmtpClient client = Visit({.helo = "mail.example.org"});
  EXPECT_EQ(client.helo().code, 250);
  EXPECT_EQ(client.Mail("<a@spam.example>").text,
            AsHeard("550 5.7.1 That is not your name: mail.example.org",
                    "<a@spam.example>"));
  EXPECT_EQ(gate().RuleCount("mail", "forged_helo"), 1);
}

TEST_P(TenRules, ForgedHeloIsForgottenAtTheNextOne) {
  SmtpClient client = Visit({.helo = "mail.example.org"});
  EXPECT_EQ(client.Mail("<a@spam.example>").code, 550);
  EXPECT_EQ(client.Send("EHLO mx.spam.example").code, 250);
  EXPECT_EQ(client.Mail("<a@spam.example>").code, 250);
}

TEST_P(TenRules, NeighboursMayUseOurNames) {
  SmtpClient client = Visit({.address = "192.0.2.7", .helo = "example.net"});
  EXPECT_EQ(client.Mail("<a@example.org>").code, 250);
}

TEST_P(TenRules, ShadowRuleCountsAndLetsPass) {
  SmtpClient client = Visit({.helo = "laptop"});
  EXPECT_EQ(
      client.Deliver("<a@sender.example>", "<bob@example.org>", kCleanMessage)
          .code,
      250);
  EXPECT_EQ(gate().RuleCount("mail", "bare_helo"), 1);
  EXPECT_EQ(mta().AwaitDeliveries(1).size(), 1U);
}

TEST_P(TenRules, DisposableSenderIsRefused) {
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@eu.mailinator.example>").text,
            AsHeard("550 5.7.1 No mail from eu.mailinator.example",
                    "<a@eu.mailinator.example>"));
  EXPECT_EQ(gate().RuleCount("mail", "disposable"), 1);
}

TEST_P(TenRules, ForeignRecipientIsRefused) {
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@spam.example>").code, 250);
  EXPECT_EQ(client.Rcpt("<b@elsewhere.example>").text,
            "554 5.7.1 Relaying denied");
  EXPECT_EQ(gate().RuleCount("rcpt", "no_relay"), 1);
}

TEST_P(TenRules, RoutedForeignRecipientIsRefused) {
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@spam.example>").code, 250);
  for (const char* rcpt :
       {"<b%elsewhere.example@example.org>", "<elsewhere.example!b>",
        "<@example.org:b@elsewhere.example>",
        "<\"b@elsewhere.example\"@example.org>"}) {
    EXPECT_EQ(client.Rcpt(rcpt).text, "554 5.7.1 Relaying denied") << rcpt;
  }
}

TEST_F(Ipv6TenRules, StrangerDoesNotRelayAndNeighbourDoes) {
  SmtpClient stranger = Visit({.address = "2001:db9::5"});
  EXPECT_EQ(stranger.Mail("<a@spam.example>").code, 250);
  EXPECT_EQ(stranger.Rcpt("<b@elsewhere.example>").text,
            "554 5.7.1 Relaying denied");
  SmtpClient neighbour = Visit({.address = "2001:db8::5"});
  EXPECT_EQ(neighbour.Mail("<a@example.org>").code, 250);
  EXPECT_EQ(neighbour.Rcpt("<b@elsewhere.example>").code, 250);
}

TEST_P(TenRules, MessageWithTwoFromHeadersIsRefusedAtItsEnd) {
  SmtpClient client = Visit();
  EXPECT_EQ(client
                .Deliver("<a@spam.example>", "<bob@example.org>",
                         std::string("From: ceo@example.org\n") + kCleanMessage)
                .text,
            "550 5.7.1 A message has one From header");
  EXPECT_EQ(gate().RuleCount("headers", "one_from"), 1);
  ASSERT_TRUE(mta().Drain());
  EXPECT_TRUE(mta().Deliveries().empty());
}

TEST_P(TenRules, BulkMailIsTaggedAndForgedTagsAreRemoved) {
  SmtpClient client = Visit();
  const std::string message = std::string("Precedence: bulk\n") + kCleanMessage;
  EXPECT_EQ(client
                .Deliver("<news@news.example>", "<bob@example.org>",
                         "X-Gate-Bulk: forged\n" + message)
                .code,
            250);
  const auto deliveries = mta().AwaitDeliveries(1);
  ASSERT_EQ(deliveries.size(), 1U);
  // Sendmail puts it where the forged one stood.
  const std::string tag = "X-Gate-Bulk: yes\n";
  const size_t body = message.find("\n\n") + 1;
  EXPECT_EQ(
      deliveries[0].original,
      PostfixOrSendmail(message.substr(0, body) + tag + message.substr(body),
                        tag + message));
  EXPECT_EQ(gate().RuleCount("message", "tag_bulk"), 1);
}

TEST_P(TenRules, CleanMailIsUnchanged) {
  SmtpClient client = Visit({.name = "mx.sender.example"});
  EXPECT_EQ(
      client
          .Deliver("<alice@sender.example>", "<bob@example.org>", kCleanMessage)
          .code,
      250);
  const auto deliveries = mta().AwaitDeliveries(1);
  ASSERT_EQ(deliveries.size(), 1U);
  EXPECT_EQ(deliveries[0].original, kCleanMessage);
}

}  // namespace
}  // namespace gate::mta
