// Limits, as clients of real MTAs meet them.

#include <string>

#include "tests/mta/gate_test.h"

namespace gate::mta {
namespace {

constexpr char kFiveAMinute[] = R"(
limit five  5/min   per client.ip  counting messages
limit total 7/hour                 counting messages
at mail {
  too_fast: defer 451 4.7.1 "Five messages a minute" when over five
  too_much: defer 452 4.7.1 "Seven messages an hour for all" when over total
}
)";

using Limits = BothMtasTest;
GATE_BOTH_MTAS(Limits);
using Ipv6Limits = GateTest;  // only XCLIENT brings such clients

// 40 messages take less than the 12 s after which a sixth would fit.
TEST_P(Limits, FiveAMinuteAdmitsExactlyFiveOfForty) {
  ASSERT_NO_FATAL_FAILURE(StartGate(kFiveAMinute));
  SmtpClient client = Visit({.address = "203.0.113.1"});
  int admitted = 0;
  for (int i = 0; i < 40; ++i) {
    const Reply reply = client.Deliver("<a@sender.example>",
                                       "<bob@example.org>", kCleanMessage);
    if (reply.code == 250) {
      EXPECT_EQ(admitted, i);
      ++admitted;
    } else {
      EXPECT_EQ(reply.text, "451 4.7.1 Five messages a minute");
    }
  }
  EXPECT_EQ(admitted, 5);
  EXPECT_EQ(gate().RuleCount("mail", "too_fast"), 35);
  EXPECT_EQ(mta().AwaitDeliveries(5).size(), 5U);

  // What `five` refused was given back to `total`: two of seven are left.
  SmtpClient other = Visit({.address = "203.0.113.2"});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(
        other.Deliver("<a@sender.example>", "<bob@example.org>", kCleanMessage)
            .code,
        250);
  }
  EXPECT_EQ(other.Mail("<a@sender.example>").text,
            "452 4.7.1 Seven messages an hour for all");
}

// A message without any accepted recipient costs nothing.
TEST_P(Limits, MessagesThatComeToNothingAreGivenBack) {
  ASSERT_NO_FATAL_FAILURE(StartGate(R"(
limit five 5/min per client.ip counting messages
at mail { too_fast: defer 451 4.7.1 "Five messages a minute" when over five }
at rcpt { no_relay: reject 554 5.7.1 "No" when rcpt.domain != "example.org" }
)"));
  SmtpClient client = Visit();
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(client.Mail("<a@sender.example>").code, 250) << i;
    ASSERT_EQ(client.Rcpt("<b@elsewhere.example>").code, 554);
    ASSERT_EQ(client.Send("RSET").code, 250);
  }
}

TEST_F(Ipv6Limits, RecipientsAreCountedOneByOne) {
  ASSERT_NO_FATAL_FAILURE(StartGate(R"(
limit three 3/hour per client.network counting recipients
at rcpt { enough: defer 452 4.5.3 "Three recipients an hour" when over three }
)"));
  SmtpClient client = Visit({.address = "2001:db9::1"});
  EXPECT_EQ(client.Mail("<a@sender.example>").code, 250);
  for (const char* rcpt : {"<a@example.org>", "<b@example.org>"}) {
    EXPECT_EQ(client.Rcpt(rcpt).code, 250);
  }
  // A neighbour in the same /64 shares the allowance.
  SmtpClient neighbour = Visit({.address = "2001:db9::2"});
  EXPECT_EQ(neighbour.Mail("<a@sender.example>").code, 250);
  EXPECT_EQ(neighbour.Rcpt("<c@example.org>").code, 250);
  EXPECT_EQ(neighbour.Rcpt("<d@example.org>").text,
            "452 4.5.3 Three recipients an hour");
  EXPECT_EQ(client.Rcpt("<e@example.org>").text,
            "452 4.5.3 Three recipients an hour");
}

TEST_P(Limits, BansLastOverSessions) {
  ASSERT_NO_FATAL_FAILURE(StartGate(R"(
at connect { outcast: reject 554 5.7.1 "Banned" when banned(client.network) }
at rcpt {
  trap: ban client.network for 1h when rcpt == <trap@example.org>
}
)"));
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@spam.example>").code, 250);
  EXPECT_EQ(client.Rcpt("<trap@example.org>").code, 250);
  client.Send("RSET");
  SmtpClient again = Visit();
  EXPECT_EQ(again.Mail("<a@spam.example>").text, "554 5.7.1 Banned");
  SmtpClient other = Visit({.address = "203.0.113.77"});
  EXPECT_EQ(other.Mail("<a@sender.example>").code, 250);
}

}  // namespace
}  // namespace gate::mta
