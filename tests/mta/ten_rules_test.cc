// Every rule of contrib/policies/ten-rules.rules decides its session through a
// real Postfix: the reply and the stage at which it is heard.

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/mta/gate_test.h"

namespace gate::mta {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

constexpr char kPolicy[] = GATE_SOURCE_DIR "/contrib/policies/ten-rules.rules";

// What Postfix makes of a 421 at connect: it keeps the milter's text to itself.
constexpr char kServiceUnavailable[] =
    "421 mx.private.test Service unavailable - try again later";

class TenRules : public GateTest {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(StartGate(ReadFile(kPolicy)));
  }
};

TEST_F(TenRules, BlockedNetworkIsToldAtMailAndInEveryTransaction) {
  SmtpClient client = Visit({.address = "198.51.100.7"});
  EXPECT_EQ(client.greeting().code, 220);
  EXPECT_EQ(client.helo().code, 250);
  EXPECT_EQ(client.Mail("<a@spam.example>").text,
            "554 5.7.1 Blocked network: 198.51.100.7");
  EXPECT_EQ(client.Send("RSET").code, 250);
  EXPECT_EQ(client.Mail("<>").text, "554 5.7.1 Blocked network: 198.51.100.7");
  EXPECT_EQ(gate().RuleCount("connect", "blocked_network"), 1);
  EXPECT_EQ(gate().Count("repeats"), 2);
}

TEST_F(TenRules, BlockedNetworkCanBeOfIpv6) {
  SmtpClient client = Visit({.address = "2001:db8:bad::7"});
  EXPECT_EQ(client.Mail("<a@spam.example>").text,
            "554 5.7.1 Blocked network: 2001:db8:bad::7");
}

// 421 is the one refusal that takes effect at connect: Postfix hangs up.
TEST_F(TenRules, TooManyConnectionsAreTurnedAwayAtOnce) {
  SmtpClient client = Visit({.address = "203.0.113.1"});
  int admitted = 1;
  Reply reply = client.Become({.address = "203.0.113.1"});
  while (reply.code == 220 && admitted < 100) {
    ++admitted;
    reply = client.Become({.address = "203.0.113.1"});
  }
  EXPECT_EQ(reply.text, kServiceUnavailable);
  EXPECT_EQ(client.Send("NOOP").code, 0) << "the connection is closed";
  // A burst of 30, and one more for each second that this took.
  EXPECT_GE(admitted, 30);
  EXPECT_LE(admitted, 45);
  EXPECT_EQ(gate().RuleCount("connect", "too_many"), 1);
}

// Ten refusals use up `offenders`: then even the connection is refused.
TEST_F(TenRules, OffendersAreTurnedAway) {
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@spam.example>").code, 250);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(client.Rcpt("<b@elsewhere.example>").code, 554);
  }
  EXPECT_EQ(client.Send("RSET").code, 250);
  EXPECT_EQ(client.Become({}).text, kServiceUnavailable);
  EXPECT_EQ(gate().RuleCount("connect", "too_many"), 1);
}

TEST_F(TenRules, ForgedHeloIsToldAtMail) {
  SmtpClient client = Visit({.helo = "mail.example.org"});
  EXPECT_EQ(client.helo().code, 250);
  EXPECT_EQ(client.Mail("<a@spam.example>").text,
            "550 5.7.1 That is not your name: mail.example.org");
  EXPECT_EQ(gate().RuleCount("mail", "forged_helo"), 1);
}

TEST_F(TenRules, ForgedHeloIsForgottenAtTheNextOne) {
  SmtpClient client = Visit({.helo = "mail.example.org"});
  EXPECT_EQ(client.Mail("<a@spam.example>").code, 550);
  EXPECT_EQ(client.Send("EHLO mx.spam.example").code, 250);
  EXPECT_EQ(client.Mail("<a@spam.example>").code, 250);
}

TEST_F(TenRules, NeighboursMayUseOurNames) {
  SmtpClient client = Visit({.address = "192.0.2.7", .helo = "example.net"});
  EXPECT_EQ(client.Mail("<a@example.org>").code, 250);
}

TEST_F(TenRules, ShadowRuleCountsAndLetsPass) {
  SmtpClient client = Visit({.helo = "laptop"});
  EXPECT_EQ(
      client.Deliver("<a@sender.example>", "<bob@example.org>", kCleanMessage)
          .code,
      250);
  EXPECT_EQ(gate().RuleCount("mail", "bare_helo"), 1);
  EXPECT_EQ(postfix().AwaitDeliveries(1).size(), 1U);
}

TEST_F(TenRules, DisposableSenderIsRefused) {
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@eu.mailinator.example>").text,
            "550 5.7.1 No mail from eu.mailinator.example");
  EXPECT_EQ(gate().RuleCount("mail", "disposable"), 1);
}

TEST_F(TenRules, ForeignRecipientIsRefused) {
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@spam.example>").code, 250);
  EXPECT_EQ(client.Rcpt("<b@elsewhere.example>").text,
            "554 5.7.1 Relaying denied");
  EXPECT_EQ(gate().RuleCount("rcpt", "no_relay"), 1);
}

TEST_F(TenRules, RoutedForeignRecipientIsRefused) {
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@spam.example>").code, 250);
  for (const char* rcpt :
       {"<b%elsewhere.example@example.org>", "<elsewhere.example!b>",
        "<@example.org:b@elsewhere.example>",
        "<\"b@elsewhere.example\"@example.org>"}) {
    EXPECT_EQ(client.Rcpt(rcpt).text, "554 5.7.1 Relaying denied") << rcpt;
  }
}

TEST_F(TenRules, Ipv6StrangerDoesNotRelayAndIpv6NeighbourDoes) {
  SmtpClient stranger = Visit({.address = "2001:db9::5"});
  EXPECT_EQ(stranger.Mail("<a@spam.example>").code, 250);
  EXPECT_EQ(stranger.Rcpt("<b@elsewhere.example>").text,
            "554 5.7.1 Relaying denied");
  SmtpClient neighbour = Visit({.address = "2001:db8::5"});
  EXPECT_EQ(neighbour.Mail("<a@example.org>").code, 250);
  EXPECT_EQ(neighbour.Rcpt("<b@elsewhere.example>").code, 250);
}

TEST_F(TenRules, UserRelaysUpToTheLimit) {
  SmtpClient client = Visit({.helo = "laptop.example.com", .login = "alice"});
  EXPECT_EQ(client.Mail("<alice@example.org>").code, 250);
  for (int i = 0; i < 200; ++i) {
    const std::string rcpt = "<u" + std::to_string(i) + "@elsewhere.example>";
    ASSERT_EQ(client.Rcpt(rcpt).code, 250) << rcpt;
  }
  EXPECT_THAT(client.Rcpt("<x@elsewhere.example>").text,
              MatchesRegex("451 4\\.7\\.1 Limit per_user: 200 of 200, "
                           "try in 1[5-8]s"));
  EXPECT_EQ(gate().RuleCount("rcpt", "user_too_fast"), 1);
}

TEST_F(TenRules, MessageWithTwoFromHeadersIsRefusedAtItsEnd) {
  SmtpClient client = Visit();
  EXPECT_EQ(client
                .Deliver("<a@spam.example>", "<bob@example.org>",
                         std::string("From: ceo@example.org\n") + kCleanMessage)
                .text,
            "550 5.7.1 A message has one From header");
  EXPECT_EQ(gate().RuleCount("headers", "one_from"), 1);
  ASSERT_TRUE(postfix().Drain());
  EXPECT_TRUE(postfix().Deliveries().empty());
}

TEST_F(TenRules, BulkMailIsTaggedAndForgedTagsAreRemoved) {
  SmtpClient client = Visit();
  const std::string message = std::string("Precedence: bulk\n") + kCleanMessage;
  EXPECT_EQ(client
                .Deliver("<news@news.example>", "<bob@example.org>",
                         "X-Gate-Bulk: forged\n" + message)
                .code,
            250);
  const auto deliveries = postfix().AwaitDeliveries(1);
  ASSERT_EQ(deliveries.size(), 1U);
  const size_t body = message.find("\n\n") + 1;
  EXPECT_EQ(
      deliveries[0].original,
      message.substr(0, body) + "X-Gate-Bulk: yes\n" + message.substr(body));
  EXPECT_EQ(gate().RuleCount("message", "tag_bulk"), 1);
}

TEST_F(TenRules, CleanMailIsUnchanged) {
  SmtpClient client = Visit({.name = "mx.sender.example"});
  EXPECT_EQ(
      client
          .Deliver("<alice@sender.example>", "<bob@example.org>", kCleanMessage)
          .code,
      250);
  const auto deliveries = postfix().AwaitDeliveries(1);
  ASSERT_EQ(deliveries.size(), 1U);
  EXPECT_EQ(deliveries[0].original, kCleanMessage);
}

// Postfix reports XCLIENT's logins with the method XCLIENT.
TEST_F(GateTest, PasswordsInTheClearAreRefused) {
  std::string policy = ReadFile(kPolicy);
  const std::string methods = "{ PLAIN LOGIN }";
  policy.replace(policy.find(methods), methods.size(),
                 "{ PLAIN LOGIN XCLIENT }");
  // The users of the policy's own tests come by TLS: they are not touched.
  ASSERT_NO_FATAL_FAILURE(StartGate(policy));
  SmtpClient client = Visit({.login = "alice"});
  EXPECT_EQ(client.Mail("<alice@example.org>").text,
            "530 5.7.0 Must issue STARTTLS first");
  EXPECT_EQ(gate().RuleCount("mail", "clear_password"), 1);
}

}  // namespace
}  // namespace gate::mta
