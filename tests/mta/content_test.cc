// What verdicts and edits do to messages in a real MTA.

#include <gmock/gmock.h>

#include <string>

#include "tests/mta/gate_test.h"

namespace gate::mta {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Content : public BothMtasTest {
 protected:
  Reply Deliver(const std::string& message = kCleanMessage) {
    SmtpClient client = Visit();
    return client.Deliver("<a@sender.example>", "<bob@example.org>", message);
  }
};

GATE_BOTH_MTAS(Content);

TEST_P(Content, HeadersAreAddedSetAndRemoved) {
  ASSERT_NO_FATAL_FAILURE(StartGate(R"(
at message {
  added:   add header "X-Client" "{client.ip} as {helo}"
  changed: set header "Subject" "[stranger] \"quoted\" grüße" when from.count == 1
  removed: remove header "X-Spam-Status"
}
)"));
  EXPECT_EQ(Deliver("X-Spam-Status: No\n"
                    "From: a@sender.example\n"
                    "X-Client: forged\n"
                    "x-spam-status: No\n"
                    "Subject: one\n"
                    "To: bob@example.org\n"
                    "subject: two\n"
                    "\n"
                    "Body\n")
                .code,
            250);
  const auto deliveries = mta().AwaitDeliveries(1);
  ASSERT_EQ(deliveries.size(), 1U);
  const std::string& content = deliveries[0].content;
  EXPECT_THAT(content, HasSubstr(mta().Here("X-Client: 203.0.113.9 as ") +
                                 "mx.spam.example\n"));
  EXPECT_THAT(content, Not(HasSubstr("forged")));
  EXPECT_THAT(content, Not(HasSubstr("pam-")));
  EXPECT_THAT(content, Not(HasSubstr("one")));
  EXPECT_THAT(content, Not(HasSubstr("two")));
  EXPECT_THAT(
      content,
      HasSubstr("Subject: [stranger] \"quoted\" =?UTF-8?B?Z3LDvMOfZQ==?=\n"));
  EXPECT_THAT(content, HasSubstr("\n\nBody\n"));
}

TEST_P(Content, QuarantineHoldsTheMessage) {
  ASSERT_NO_FATAL_FAILURE(
      StartGate(R"(at rcpt { hold: quarantine "to be looked at" })"));
  EXPECT_EQ(Deliver().code, 250);
  EXPECT_TRUE(mta().Drain());
  EXPECT_EQ(mta().Quarantined(), 1U);
  EXPECT_TRUE(mta().Deliveries().empty());
}

TEST_P(Content, DiscardTakesAndDropsTheMessage) {
  ASSERT_NO_FATAL_FAILURE(
      StartGate(R"(at message { drop: discard when from.count == 1 })"));
  EXPECT_EQ(Deliver().code, 250);
  EXPECT_TRUE(mta().Drain());
  EXPECT_EQ(mta().Quarantined(), 0U);
  EXPECT_TRUE(mta().Deliveries().empty());
  EXPECT_EQ(gate().RuleCount("message", "drop"), 1);
}

TEST_P(Content, BodyIsMatchedAndTheSizeKnown) {
  ASSERT_NO_FATAL_FAILURE(StartGate(R"(
at message {
  big:   reject 552 5.3.4 "Too big" when message.size > 100K
  words: reject 550 5.7.1 "Not here" when body ~ /cheap\s+watches/i
}
)"));
  EXPECT_EQ(Deliver(std::string(kCleanMessage) + "Cheap \n watches\n").text,
            "550 5.7.1 Not here");
  std::string large = kCleanMessage;
  for (int i = 0; i < 3000; ++i)
    large += "forty characters of text in every line\n";
  EXPECT_EQ(Deliver(large).text, "552 5.3.4 Too big");
  EXPECT_EQ(Deliver().code, 250);
}

TEST_P(Content, RefusalAtDataIsHeardThere) {
  ASSERT_NO_FATAL_FAILURE(StartGate(R"(
at data { harvest: reject 554 5.7.1 "Too many unknown" when rcpt.rejected >= 2 }
at rcpt { only_bob: reject 550 5.1.1 "No such user" when rcpt.local != "bob" }
)"));
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@sender.example>").code, 250);
  EXPECT_EQ(client.Rcpt("<bob@example.org>").code, 250);
  EXPECT_EQ(client.Rcpt("<x1@example.org>").code, 550);
  EXPECT_EQ(client.Rcpt("<x2@example.org>").code, 550);
  EXPECT_EQ(client.Send("DATA").text, "554 5.7.1 Too many unknown");
}

// A percent sign and a long text arrive as they were written.
TEST_P(Content, ReplyTextsArriveUnharmed) {
  const std::string words(890, 'w');
  ASSERT_NO_FATAL_FAILURE(StartGate(
      "at mail { percent: reject 550 5.7.1 \"Is 100% spam, 50%s\" when helo == "
      "\"percent.example\"\n long: reject 550 5.7.1 \"" +
      words + "\" }"));
  SmtpClient percent = Visit({.helo = "percent.example"});
  EXPECT_EQ(percent.Mail("<a@spam.example>").text,
            AsHeard("550 5.7.1 Is 100% spam, 50%s", "<a@spam.example>"));
  SmtpClient lengthy = Visit();
  const Reply reply = lengthy.Mail("<a@spam.example>");
  EXPECT_EQ(reply.code, 550);
  EXPECT_THAT(reply.text, HasSubstr("550-5.7.1 www"));
  EXPECT_THAT(reply.text, HasSubstr("\n550 5.7.1 w"));
}

}  // namespace
}  // namespace gate::mta
