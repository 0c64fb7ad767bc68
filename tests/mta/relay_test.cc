// What MTAs do without gatemilter, and what gatemilter changes.

#include <gmock/gmock.h>

#include <string>

#include "tests/mta/gate_test.h"

namespace gate::mta {
namespace {

using ::testing::StartsWith;

constexpr char kNoRelay[] = R"(
list our_domains domains { example.org }
at rcpt {
  no_relay: reject 554 5.7.1 "Relaying denied" when rcpt.domain not in our_domains
}
)";

using Relay = BothMtasTest;
GATE_BOTH_MTAS(Relay);

// The control run: an open MTA would relay for a stranger.
TEST_P(Relay, OpenMtaWithoutGatemilterTakesForeignRecipients) {
  ASSERT_NO_FATAL_FAILURE(StartMta({.milter = false, .open = true}));
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@spam.example>").code, 250);
  EXPECT_EQ(client.Rcpt("<b@elsewhere.example>").code, 250);
  EXPECT_EQ(client.Data(kCleanMessage).code, 250);
  const auto deliveries = mta().AwaitDeliveries(1);
  ASSERT_EQ(deliveries.size(), 1U);
  EXPECT_EQ(deliveries[0].recipient, "b@elsewhere.example");
  EXPECT_EQ(deliveries[0].original, kCleanMessage);
}

TEST_P(Relay, GatemilterRefusesForeignRecipientsAndNamesTheRule) {
  ASSERT_NO_FATAL_FAILURE(StartGate(kNoRelay));
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@spam.example>").code, 250);
  EXPECT_EQ(client.Rcpt("<b@elsewhere.example>").text,
            "554 5.7.1 Relaying denied");
  EXPECT_EQ(gate().RuleCount("rcpt", "no_relay"), 1);
}

TEST_P(Relay, LocalRecipientOfTheSameMessageIsDelivered) {
  ASSERT_NO_FATAL_FAILURE(StartGate(kNoRelay));
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@spam.example>").code, 250);
  EXPECT_EQ(client.Rcpt("<bob@example.org>").code, 250);
  EXPECT_EQ(client.Rcpt("<b@elsewhere.example>").text,
            "554 5.7.1 Relaying denied");
  EXPECT_EQ(client.Data(kCleanMessage).code, 250);
  ASSERT_TRUE(mta().Drain());
  const auto deliveries = mta().Deliveries();
  ASSERT_EQ(deliveries.size(), 1U);
  EXPECT_THAT(deliveries[0].recipient, StartsWith("bob"));
  EXPECT_EQ(deliveries[0].original, kCleanMessage);
}

// gatemilter is a second wall: it cannot open what the MTA keeps shut.
TEST_P(Relay, AcceptingPolicyDoesNotOpenAClosedMta) {
  ASSERT_NO_FATAL_FAILURE(
      StartGate("at rcpt { all: accept }", {.open = false}));
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@spam.example>").code, 250);
  EXPECT_EQ(client.Rcpt("<b@elsewhere.example>").text,
            PostfixOrSendmail(
                "554 5.7.1 <b@elsewhere.example>: Relay access denied",
                "550 5.7.1 <b@elsewhere.example>... Relaying denied. IP name "
                "lookup failed [127.113.113.9]"));
}

// milter_default_action = tempfail and F=T, as the files in contrib/ say.
TEST_P(Relay, WhileGatemilterIsAwayMailIsDeferred) {
  ASSERT_NO_FATAL_FAILURE(StartGate(kNoRelay));
  SmtpClient open = Visit();
  EXPECT_EQ(open.Mail("<a@spam.example>").code, 250);
  EXPECT_EQ(StopGate(), 0);
  const std::string later_text =
      PostfixOrSendmail("451 4.7.1 Service unavailable - try again later",
                        "451 4.3.2 Please try again later");
  EXPECT_EQ(open.Rcpt("<b@elsewhere.example>").text, later_text);
  SmtpClient later = Visit();
  EXPECT_EQ(later.Mail("<a@spam.example>").text, later_text);
}

TEST_P(Relay, GatemilterDropsItsPrivilegesAndStillDecides) {
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
