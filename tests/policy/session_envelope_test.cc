// The facts of MAIL, RCPT and what follows.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/policy/session_facts_fixture.h"

namespace gate::policy {
namespace {

TEST_F(SessionFactsTest, SenderIsWhatTheMtaResolved) {
  Mail("<User@Typed.example>", {{"{mail_addr}", "User@Resolved.example"}});
  EXPECT_EQ(Value(kSender), "user@resolved.example");
  EXPECT_EQ(Value(kSenderLocal), "user");
  EXPECT_EQ(Value(kSenderDomain), "resolved.example");
  EXPECT_EQ(Value(kSenderRaw), "<User@Typed.example>");
  Mail("<User@Typed.example>");
  EXPECT_EQ(Value(kSender), "user@typed.example");
}

TEST_F(SessionFactsTest, NullSenderIsPresentWithoutParts) {
  Mail("<>", {{"{mail_addr}", ""}});
  EXPECT_TRUE(facts_.present(kSender));
  EXPECT_EQ(facts_.text(kSender), "");
  EXPECT_EQ(Value(kSenderLocal), "(absent)");
  EXPECT_EQ(Value(kSenderDomain), "(absent)");
  EXPECT_EQ(Value(kSenderRaw), "<>");
}

TEST_F(SessionFactsTest, AddressWithoutDomainHasTheMtasOwn) {
  Connect(PostfixConnect());
  Mail("<alice>");
  EXPECT_EQ(Value(kSender), "alice@mail.example.org");
  EXPECT_EQ(Value(kSenderDomain), "mail.example.org");
  Rcpt("<postmaster>");
  EXPECT_EQ(Value(kRcpt), "postmaster@mail.example.org");
  Mail("<>");
  EXPECT_EQ(Value(kSenderDomain), "(absent)") << "the null sender has none";
  Connect(FakeMacros());
  Mail("<alice>");
  EXPECT_EQ(Value(kSender), "alice") << "the MTA did not say its name";
}

// {mail_addr} and {rcpt_addr} of local users are their names alone there.
TEST_F(SessionFactsTest, LocalUserOfSendmailHasTheDomainThatWasTyped) {
  Connect(PostfixConnect());
  Mail("<Alice@Example.net>", {{"{mail_addr}", "Alice"}});
  EXPECT_EQ(Value(kSender), "alice@example.net");
  EXPECT_EQ(Value(kSenderDomain), "example.net");
  Rcpt("<info@example.net>", {{"{rcpt_addr}", "bob"}});
  EXPECT_EQ(Value(kRcpt), "bob@example.net") << "virtusertable";
  Rcpt("<bob>", {{"{rcpt_addr}", "bob"}});
  EXPECT_EQ(Value(kRcpt), "bob@mail.example.org");
  Mail("<>", {{"{mail_addr}", "MAILER-DAEMON"}});
  EXPECT_EQ(Value(kSender), "");
  EXPECT_EQ(Value(kSenderDomain), "(absent)");
}

TEST_F(SessionFactsTest, MailClearsTheLastMessage) {
  Mail("<a@x.org>", {{"{auth_authen}", "alice"}, {"{auth_type}", "PLAIN"}},
       {"SIZE=10"});
  EXPECT_EQ(Value(kAuthUser), "alice");
  EXPECT_EQ(Value(kAuthMethod), "PLAIN");
  Rcpt("<b@x.org>");
  decoder_.Data(FakeMacros{{"i", "4ABC"}});
  EXPECT_EQ(Value(kQueueId), "4ABC");
  Mail("<>");
  EXPECT_EQ(Value(kAuthUser), "(absent)");
  EXPECT_EQ(Value(kSenderSize), "(absent)");
  EXPECT_EQ(Value(kSenderLocal), "(absent)");
  EXPECT_EQ(Value(kRcpt), "(absent)");
  EXPECT_EQ(Value(kQueueId), "(absent)");
}

TEST_F(SessionFactsTest, RecipientIsWhatTheMtaResolved) {
  Rcpt("<\"b\"@Typed.example>",
       {{"{rcpt_addr}", "B@Resolved.example"}, {"{rcpt_mailer}", "relay"}});
  EXPECT_EQ(Value(kRcpt), "b@resolved.example");
  EXPECT_EQ(Value(kRcptLocal), "b");
  EXPECT_EQ(Value(kRcptDomain), "resolved.example");
  EXPECT_EQ(Value(kRcptRaw), "<\"b\"@Typed.example>");
  EXPECT_EQ(Value(kRcptMailer), "relay");
  EXPECT_FALSE(decoder_.rejected_by_mta());
}

TEST_F(SessionFactsTest, RcptClearsTheLastRecipientOnly) {
  facts_.SetNumber(kRcptCount, 1);
  Rcpt("<a%b@x.org>", {{"{rcpt_mailer}", "local"}},
       {"NOTIFY=never", "ORCPT=rfc822;a"});
  EXPECT_TRUE(facts_.present(kRcptRouted));
  EXPECT_EQ(Value(kRcptNotify), "NEVER");
  Rcpt("<c@x.org>");
  EXPECT_EQ(Value(kRcpt), "c@x.org");
  EXPECT_FALSE(facts_.present(kRcptRouted));
  EXPECT_EQ(Value(kRcptNotify), "(absent)");
  EXPECT_EQ(Value(kRcptOrcpt), "(absent)");
  EXPECT_EQ(Value(kRcptMailer), "(unknown)");
  EXPECT_EQ(Value(kRcptCount), "1");
}

struct RoutedCase {
  std::string_view typed;
  std::string resolved;
  bool routed = false;
};

TEST_F(SessionFactsTest, RoutedIsAskedOfTheAddressThatCounts) {
  const std::vector<RoutedCase> cases = {
      {.typed = "<a@x.org>", .resolved = ""},
      {.typed = "<a%y.org@x.org>", .resolved = "", .routed = true},
      {.typed = "<y.org!a@x.org>", .resolved = "", .routed = true},
      {.typed = "<a@y.org@x.org>", .resolved = "", .routed = true},
      {.typed = "<@x.org:a@y.org>", .resolved = "", .routed = true},
      {.typed = "<\"a%y.org\"@x.org>", .resolved = ""},
      {.typed = "<a%y.org@x.org>", .resolved = "a@y.org"},
  };
  for (const RoutedCase& test : cases) {
    Rcpt(test.typed, {{"{rcpt_addr}", test.resolved}});
    EXPECT_EQ(facts_.present(kRcptRouted), test.routed) << test.typed;
  }
}

TEST_F(SessionFactsTest, RejectedRecipientIsTheTypedOne) {
  Rcpt("<b@elsewhere.example>", {{"{rcpt_mailer}", "error"},
                                 {"{rcpt_host}", "5.7.1"},
                                 {"{rcpt_addr}", "Relay access denied"}});
  EXPECT_TRUE(decoder_.rejected_by_mta());
  EXPECT_EQ(Value(kRcpt), "b@elsewhere.example");
  Rcpt("<c@x.org>", {{"{rcpt_mailer}", "local"}});
  EXPECT_FALSE(decoder_.rejected_by_mta());
}

TEST_F(SessionFactsTest, QueueIdIsUnknownOnlyUntilItComes) {
  decoder_.Data(FakeMacros());
  EXPECT_EQ(Value(kQueueId), "(unknown)");
  decoder_.Data(FakeMacros{{"i", "4ABC"}});
  EXPECT_EQ(Value(kQueueId), "4ABC");
}

TEST_F(SessionFactsTest, ContentBeginsAnewWithEachMail) {
  facts_.ResizeHeaders(1);
  Mail("<a@x.org>");
  EXPECT_EQ(Value(kFromCount), "0");
  decoder_.AddHeader("From", "a@x.org", rules::HeaderId{0});
  decoder_.AddBody("body\r\n", 100);
  decoder_.EndMessage();
  EXPECT_EQ(Value(kBody), "body\r\n");
  decoder_.ClearMessage();
  EXPECT_EQ(Value(kBody), "(absent)");
  EXPECT_EQ(Value(kFrom), "(absent)");
  EXPECT_EQ(facts_.header_count({0}), 0u);
  Mail("<a@x.org>");
  decoder_.EndMessage();
  EXPECT_EQ(Value(kFromCount), "0");
  EXPECT_EQ(Value(kBody), "");
  EXPECT_EQ(Value(kMessageSize), "2");
}

}  // namespace
}  // namespace gate::policy
