// What Postfix sends to the milter: no more than the policy needs. The part of
// Postfix that sends contents, cleanup(8), runs verbosely here and logs it.

#include <gmock/gmock.h>

#include <string>

#include "tests/mta/gate_test.h"
#include "tests/occurrences.h"

namespace gate::mta {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Negotiation : public GateTest {
 protected:
  // The log of a message that was delivered under `policy`.
  std::string LogOf(const std::string& policy) {
    StartGate(policy,
              {.open = true, .settings = {"cleanup_service_name=verbose"}});
    if (HasFatalFailure()) return {};
    SmtpClient client = Visit();
    EXPECT_EQ(
        client.Deliver("<a@sender.example>", "<bob@example.org>", kCleanMessage)
            .code,
        250);
    EXPECT_TRUE(postfix().Drain());
    return postfix().Log();
  }
};

TEST_F(Negotiation, PolicyWithoutContentRulesGetsNoContent) {
  const std::string log =
      LogOf("at rcpt { nobody: reject when rcpt.local == \"nobody\" }");
  EXPECT_THAT(log, Not(HasSubstr("event: SMFIC_HEADER")));
  EXPECT_THAT(log, Not(HasSubstr("event: SMFIC_EOH")));
  EXPECT_THAT(log, Not(HasSubstr("event: SMFIC_BODY;")));
}

TEST_F(Negotiation, PolicyWithHeaderRulesGetsHeadersOnly) {
  const std::string log =
      LogOf("at headers { spoof: reject when from.count == 7 }");
  EXPECT_THAT(log, HasSubstr("event: SMFIC_HEADER"));
  EXPECT_THAT(log, Not(HasSubstr("event: SMFIC_BODY;")));
}

TEST_F(Negotiation, PolicyWithABodyRuleGetsTheBody) {
  const std::string log =
      LogOf("at message { words: reject when body ~ /x{8}/ }");
  EXPECT_THAT(log, HasSubstr("event: SMFIC_BODY;"));
}

// Postfix never says DATA then.
TEST_F(Negotiation, AnOldProtocolHasNoRulesAtDataAndTheLogSaysSo) {
  ASSERT_NO_FATAL_FAILURE(
      StartGate(R"(
at rcpt { nobody: reject 550 5.1.1 "Nobody" when rcpt.local == "nobody" }
at data { never: reject 554 5.7.1 "Never" when sender.local == "data" }
at headers { spoof: reject 554 5.7.1 "No spoof" when from == "spoof@sender.example" }
)",
                {.open = true, .settings = {"milter_protocol=2"}}));
  SmtpClient client = Visit();
  EXPECT_EQ(
      client
          .Deliver("<data@sender.example>", "<bob@example.org>", kCleanMessage)
          .code,
      250);
  EXPECT_EQ(client.Mail("<a@sender.example>").code, 250);
  EXPECT_EQ(client.Rcpt("<nobody@example.org>").text, "550 5.1.1 Nobody");
  client.Send("RSET");
  EXPECT_EQ(client
                .Deliver("<a@sender.example>", "<bob@example.org>",
                         "From: spoof@sender.example\n\nx\n")
                .text,
            "554 5.7.1 No spoof");
  const std::string log = gate().Log();
  EXPECT_EQ(Occurrences(log, "does not offer"), 1u);
  EXPECT_THAT(log, HasSubstr("rules `at data` never run there; for Postfix, in "
                             "main.cf: milter_protocol = 6"));
}

class KeptVerdicts : public BothMtasTest {};
GATE_BOTH_MTAS(KeptVerdicts);

// MAIL is where MTAs show a refusal of connect and helo.
TEST_P(KeptVerdicts, PolicyOfOtherStagesStillGetsMail) {
  ASSERT_NO_FATAL_FAILURE(StartGate(R"(
at connect { outcast: reject 554 5.7.1 "Not you" when client.ip == 198.51.100.7 }
at helo { liar: defer 451 4.7.1 "Not so" when helo == "liar.example" }
)"));
  SmtpClient outcast = Visit({.address = "198.51.100.7"});
  EXPECT_EQ(outcast.Mail("<a@spam.example>").text, "554 5.7.1 Not you");
  SmtpClient liar = Visit({.helo = "liar.example"});
  EXPECT_EQ(liar.Mail("<a@spam.example>").text, "451 4.7.1 Not so");
  SmtpClient other = Visit();
  EXPECT_EQ(other.Mail("<a@sender.example>").code, 250);
}

}  // namespace
}  // namespace gate::mta
