// What Postfix does without gatemilter, and what gatemilter changes.

#include "tests/mta/gate_test.h"

namespace gate::mta {
namespace {

constexpr char kNoRelay[] = R"(
list our_domains domains { example.org }
at rcpt {
  no_relay: reject 554 5.7.1 "Relaying denied" when rcpt.domain not in our_domains
}
)";

using Relay = GateTest;

// The control run: the open Postfix would relay for a stranger.
TEST_F(Relay, OpenPostfixWithoutGatemilterTakesForeignRecipients) {
  ASSERT_NO_FATAL_FAILURE(StartPostfix({.milter = false, .open = true}));
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@spam.example>").code, 250);
  EXPECT_EQ(client.Rcpt("<b@elsewhere.example>").code, 250);
  EXPECT_EQ(client.Data(kCleanMessage).code, 250);
  const auto deliveries = postfix().AwaitDeliveries(1);
  ASSERT_EQ(deliveries.size(), 1U);
  EXPECT_EQ(deliveries[0].recipient, "b@elsewhere.example");
  EXPECT_EQ(deliveries[0].original, kCleanMessage);
}

TEST_F(Relay, GatemilterRefusesForeignRecipientsAndNamesTheRule) {
  ASSERT_NO_FATAL_FAILURE(StartGate(kNoRelay));
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@spam.example>").code, 250);
  EXPECT_EQ(client.Rcpt("<b@elsewhere.example>").text,
            "554 5.7.1 Relaying denied");
  EXPECT_EQ(gate().RuleCount("rcpt", "no_relay"), 1);
}

TEST_F(Relay, LocalRecipientOfTheSameMessageIsDelivered) {
  ASSERT_NO_FATAL_FAILURE(StartGate(kNoRelay));
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@spam.example>").code, 250);
  EXPECT_EQ(client.Rcpt("<bob@example.org>").code, 250);
  EXPECT_EQ(client.Rcpt("<b@elsewhere.example>").text,
            "554 5.7.1 Relaying denied");
  EXPECT_EQ(client.Data(kCleanMessage).code, 250);
  ASSERT_TRUE(postfix().Drain());
  const auto deliveries = postfix().Deliveries();
  ASSERT_EQ(deliveries.size(), 1U);
  EXPECT_EQ(deliveries[0].recipient, "bob@example.org");
  EXPECT_EQ(deliveries[0].original, kCleanMessage);
}

// gatemilter is a second wall: it cannot open what Postfix keeps shut.
TEST_F(Relay, AcceptingPolicyDoesNotOpenAClosedPostfix) {
  ASSERT_NO_FATAL_FAILURE(
      StartGate("at rcpt { all: accept }", {.open = false}));
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@spam.example>").code, 250);
  EXPECT_EQ(client.Rcpt("<b@elsewhere.example>").text,
            "554 5.7.1 <b@elsewhere.example>: Relay access denied");
}

// milter_default_action = tempfail, as contrib/postfix/main.cf says.
TEST_F(Relay, WhileGatemilterIsAwayMailIsDeferred) {
  ASSERT_NO_FATAL_FAILURE(StartGate(kNoRelay));
  SmtpClient open = Visit();
  EXPECT_EQ(open.Mail("<a@spam.example>").code, 250);
  EXPECT_EQ(StopGate(), 0);
  EXPECT_EQ(open.Rcpt("<b@elsewhere.example>").text,
            "451 4.7.1 Service unavailable - try again later");
  SmtpClient later = Visit();
  EXPECT_EQ(later.Mail("<a@spam.example>").text,
            "451 4.7.1 Service unavailable - try again later");
}

TEST_F(Relay, GatemilterDropsItsPrivilegesAndStillDecides) {
  ASSERT_NO_FATAL_FAILURE(
      StartGate("set user nobody\n" + std::string(kNoRelay)));
  EXPECT_EQ(gate().Owner(), "nobody");
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@spam.example>").code, 250);
  EXPECT_EQ(client.Rcpt("<b@elsewhere.example>").text,
            "554 5.7.1 Relaying denied");
  EXPECT_EQ(gate().Reload().status, 0);
}

}  // namespace
}  // namespace gate::mta
