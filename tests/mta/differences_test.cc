// What differs between Postfix and Sendmail, and what gatemilter makes equal:
// the table of contrib/README.md, line by line.

#include <gmock/gmock.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/mta/gate_test.h"

namespace gate::mta {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

using Differences = BothMtasTest;
GATE_BOTH_MTAS(Differences);

struct AwayCase {
  std::string setting;  // milter_default_action, F=
  int greeting = 220;
  int mail = 0;
};

using PostfixWithoutFilter = GateTest;

TEST_F(PostfixWithoutFilter, DefaultActionSaysWhatHappens) {
  const std::vector<AwayCase> cases = {
      {.setting = "tempfail", .mail = 451},
      {.setting = "reject", .mail = 550},
      {.setting = "accept", .mail = 250},
  };
  for (const AwayCase& each : cases) {
    ASSERT_NO_FATAL_FAILURE(StartMta(
        {.open = true, .settings = {"milter_default_action=" + each.setting}}));
    EXPECT_EQ(Visit().Mail("<a@spam.example>").code, each.mail) << each.setting;
  }
}

class SendmailWithoutFilter : public GateTest {
 protected:
  SendmailWithoutFilter() : GateTest(Mta::kSendmail) {}
};

TEST_F(SendmailWithoutFilter, FlagSaysWhatHappens) {
  const std::vector<AwayCase> cases = {
      {.setting = ", F=T", .mail = 451},
      {.setting = ", F=R", .greeting = 554, .mail = 550},
      {.setting = ", F=4", .greeting = 421},
      {.setting = "", .mail = 250},
  };
  for (const AwayCase& each : cases) {
    ASSERT_NO_FATAL_FAILURE(StartMta(
        {.milter = false,
         .open = true,
         .settings = {"MAIL_FILTER(`away', `S=local:/nobody/listens" +
                          each.setting + "')dnl",
                      "define(`confINPUT_MAIL_FILTERS', `away')dnl"}}));
    SmtpClient client = Visit();
    EXPECT_EQ(client.greeting().code, each.greeting) << each.setting;
    if (each.greeting == 554) client.Ehlo("mx.spam.example");
    EXPECT_EQ(client.Mail("<a@spam.example>").code, each.mail) << each.setting;
  }
}

// Sendmail names local users without their domain, and the null sender
// MAILER-DAEMON.
TEST_P(Differences, AddressesAreTheSame) {
  ASSERT_NO_FATAL_FAILURE(StartGate(R"(
at mail { bounce: reject 554 5.7.1 "No bounces" when sender == <> }
at rcpt { tell: reject 554 5.7.1 "Mail from {sender} to {rcpt}" }
)"));
  EXPECT_EQ(Visit().Mail("<>").text, "554 5.7.1 No bounces");
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<Alice@example.org>").code, 250);
  EXPECT_EQ(client.Rcpt("<bob@Example.Net>").text,
            "554 5.7.1 Mail from alice@example.org to bob@example.net");
  EXPECT_EQ(client.Rcpt("<b@elsewhere.example>").text,
            "554 5.7.1 Mail from alice@example.org to b@elsewhere.example");
}

TEST_P(Differences, OnlySendmailPutsTheAddressIntoSomeReplies) {
  const std::vector<std::string> plain = {"451 4.7.1", "452 4.5.3", "454 4.7.0",
                                          "530 5.7.0", "551 5.7.1", "552 5.3.4",
                                          "554 5.7.1"};
  const std::vector<std::string> addressed = {"450 4.7.1", "550 5.7.1",
                                              "553 5.1.2"};
  const auto rule = [](const std::string& codes) {
    const std::string code = codes.substr(0, 3);
    return "r" + code + (code[0] == '5' ? ": reject " : ": defer ") + codes +
           " \"Ours\" when rcpt.local == \"u" + code + "\"\n";
  };
  std::string policy = "at rcpt {\n";
  for (const std::string& codes : plain) policy += rule(codes);
  for (const std::string& codes : addressed) policy += rule(codes);
  ASSERT_NO_FATAL_FAILURE(StartGate(policy + "}\n"));
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@sender.example>").code, 250);
  const auto path = [](const std::string& codes) {
    return "<u" + codes.substr(0, 3) + "@example.org>";
  };
  for (const std::string& codes : plain) {
    EXPECT_EQ(client.Rcpt(path(codes)).text, codes + " Ours");
  }
  for (const std::string& codes : addressed) {
    EXPECT_EQ(client.Rcpt(path(codes)).text,
              AsHeard(codes + " Ours", path(codes)));
  }
}

// rcpt.mailer is the transport of Postfix, the mailer of Sendmail.
TEST_P(Differences, MailerIsOfTheMta) {
  const std::vector<std::string> discard = {"default_transport=discard:"};
  ASSERT_NO_FATAL_FAILURE(StartGate(
      "at rcpt { tell: reject 554 5.7.1 \"By {rcpt.mailer}\" }",
      {.open = true,
       .settings = PostfixOrSendmail(discard, std::vector<std::string>())}));
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@sender.example>").code, 250);
  EXPECT_EQ(client.Rcpt("<bob@example.org>").text,
            PostfixOrSendmail("554 5.7.1 By virtual", "554 5.7.1 By local"));
  EXPECT_EQ(client.Rcpt("<b@elsewhere.example>").text,
            PostfixOrSendmail("554 5.7.1 By discard", "554 5.7.1 By esmtp"));
}

// SMFIP_RCPT_REJ: Debian's Sendmail does not show what it refused itself.
TEST_P(Differences, OnlyPostfixTellsOfRecipientsItRefused) {
  ASSERT_NO_FATAL_FAILURE(StartGate(
      R"(at data { harvest: reject 554 5.7.1 "Tried" when rcpt.rejected >= 1 })",
      {.open = false}));
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@sender.example>").code, 250);
  EXPECT_GE(client.Rcpt("<b@elsewhere.example>").code, 500);
  EXPECT_EQ(client.Rcpt("<bob@example.org>").code, 250);
  EXPECT_EQ(client.Send("DATA").code, PostfixOrSendmail(554, 354));
}

// Postfix reports the name by XCLIENT; Sendmail finds it in its hosts file.
TEST_P(Differences, VerifiedNameOfTheClientIsKnown) {
  ASSERT_NO_FATAL_FAILURE(StartGate(
      R"(at mail { known: reject 554 5.7.1 "You are {client.name}" when client.name })"));
  SmtpClient known =
      Visit({.address = "203.0.113.25", .name = "mx.sender.example"});
  EXPECT_EQ(known.Mail("<a@sender.example>").text,
            "554 5.7.1 You are mx.sender.example");
  EXPECT_EQ(Visit().Mail("<a@sender.example>").code, 250);
}

// {if_name}: Postfix does not send it, the fact is unknown there.
TEST_P(Differences, OnlySendmailNamesItsInterface) {
  ASSERT_NO_FATAL_FAILURE(StartGate(R"(
at mail {
  known: reject 554 5.7.1 "At {server.host}" when server.host == "mx.private.test"
}
)"));
  EXPECT_EQ(Visit().Mail("<a@sender.example>").code,
            PostfixOrSendmail(250, 554));
}

TEST_P(Differences, OnlySendmailKeepsTheReasonOfAQuarantine) {
  ASSERT_NO_FATAL_FAILURE(
      StartGate(R"(at rcpt { hold: quarantine "to be looked at" })"));
  EXPECT_EQ(
      Visit()
          .Deliver("<a@sender.example>", "<bob@example.org>", kCleanMessage)
          .code,
      250);
  EXPECT_TRUE(mta().Drain());
  ASSERT_EQ(mta().Quarantined(), 1U);
  std::string files;
  for (const auto& file :
       std::filesystem::recursive_directory_iterator(mta().dir() + "/queue")) {
    if (file.is_regular_file()) files += ReadFile(file.path());
  }
  const auto reason = HasSubstr("to be looked at");
  if (PostfixOrSendmail(true, false)) {
    EXPECT_THAT(files, Not(reason));
  } else {
    EXPECT_THAT(files, reason);
  }
}

// One connection: a message, one taken back, one refused at its end, another.
TEST_P(Differences, MessagesOfAConnectionKnowNothingOfEachOther) {
  ASSERT_NO_FATAL_FAILURE(StartGate(R"(
at rcpt { one: reject 554 5.7.1 "One recipient" when rcpt.count >= 1 }
at message {
  not_you: reject 554 5.7.1 "Not from you" when sender.local == "liar"
  tell:    add header "X-Sender" "{sender}"
}
)"));
  SmtpClient client = Visit();
  EXPECT_EQ(
      client.Deliver("<a@sender.example>", "<u1@example.org>", kCleanMessage)
          .code,
      250);
  EXPECT_EQ(client.Mail("<b@sender.example>").code, 250);
  EXPECT_EQ(client.Rcpt("<u2@example.org>").code, 250);
  EXPECT_EQ(client.Rcpt("<u3@example.org>").text, "554 5.7.1 One recipient");
  EXPECT_EQ(client.Send("RSET").code, 250);
  EXPECT_EQ(
      client.Deliver("<liar@sender.example>", "<u4@example.org>", kCleanMessage)
          .text,
      "554 5.7.1 Not from you");
  EXPECT_EQ(
      client.Deliver("<c@sender.example>", "<u5@example.org>", kCleanMessage)
          .code,
      250);
  EXPECT_EQ(client.Send("QUIT").code, 221);
  const auto deliveries = mta().AwaitDeliveries(2);
  ASSERT_TRUE(mta().Drain());
  ASSERT_EQ(deliveries.size(), 2U);
  for (const Delivery& delivery : deliveries) {
    const bool first = delivery.recipient.starts_with("u1");
    EXPECT_THAT(delivery.content,
                HasSubstr(first ? "\nX-Sender: a@sender.example\n"
                                : "\nX-Sender: c@sender.example\n"));
  }
}

}  // namespace
}  // namespace gate::mta
