// Users who log in, with a real password and a real handshake, at all the
// ports of contrib/: what gatemilter knows of them, and what it decides.

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/mta/gate_test.h"

namespace gate::mta {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

constexpr char kPolicy[] = GATE_SOURCE_DIR "/contrib/policies/ten-rules.rules";
constexpr char kLaptop[] = "laptop.example.com";

class Login : public BothMtasTest {
 protected:
  void Start(const std::string& policy) {
    StartGate(policy, {.open = true, .all_ports = true});
  }
  SmtpClient VisitAsUser(Port port) const {
    SmtpClient client = Visit({.helo = kLaptop}, port);
    if (port != Port::kSubmissions) {
      EXPECT_EQ(client.StartTls(kLaptop).code, 250);
    }
    EXPECT_EQ(client.AuthPlain("alice", "secret").code, 235);
    return client;
  }
};
GATE_BOTH_MTAS(Login);

TEST_P(Login, PasswordInTheClearIsRefused) {
  ASSERT_NO_FATAL_FAILURE(Start(ReadFile(kPolicy)));
  SmtpClient client = Visit({.helo = kLaptop});
  EXPECT_THAT(client.helo().text, HasSubstr("PLAIN"));
  EXPECT_EQ(client.AuthPlain("alice", "secret").code, 235);
  EXPECT_EQ(client.Mail("<alice@example.org>").text,
            "530 5.7.0 Must issue STARTTLS first");
  EXPECT_EQ(gate().RuleCount("mail", "clear_password"), 1);
}

TEST_P(Login, PasswordInTlsIsTaken) {
  ASSERT_NO_FATAL_FAILURE(Start(ReadFile(kPolicy)));
  SmtpClient client = VisitAsUser(Port::kSmtp);
  EXPECT_EQ(client
                .Deliver("<alice@example.org>", "<b@elsewhere.example>",
                         kCleanMessage)
                .code,
            250);
  EXPECT_EQ(gate().RuleCount("mail", "clear_password"), 0);
  const auto deliveries = mta().AwaitDeliveries(1);
  ASSERT_EQ(deliveries.size(), 1U);
  EXPECT_EQ(deliveries[0].recipient, "b@elsewhere.example");
}

TEST_P(Login, WrongPasswordMakesNoUser) {
  ASSERT_NO_FATAL_FAILURE(Start(ReadFile(kPolicy)));
  SmtpClient client = Visit({.helo = kLaptop});
  EXPECT_EQ(client.StartTls(kLaptop).code, 250);
  EXPECT_EQ(client.AuthPlain("alice", "guessed").code, 535);
  EXPECT_EQ(client.Mail("<alice@example.org>").code, 250);
  EXPECT_EQ(client.Rcpt("<b@elsewhere.example>").text,
            "554 5.7.1 Relaying denied");
}

TEST_P(Login, UserRelaysUpToTheLimit) {
  ASSERT_NO_FATAL_FAILURE(Start(ReadFile(kPolicy)));
  SmtpClient client = VisitAsUser(Port::kSubmission);
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

constexpr char kTellAll[] = R"(
at message {
  user: add header "X-User" "{auth.user} by {auth.method} at {daemon}"
  tls:  add header "X-Tls" "{tls.version} {tls.cipher} {tls.bits}"
}
)";

TEST_P(Login, FactsOfTheSessionArriveFromEveryPort) {
  ASSERT_NO_FATAL_FAILURE(Start(kTellAll));
  struct Case {
    Port port;
    std::string daemon;
  };
  // smtpd_sasl_local_domain is part of the name.
  const std::string user = PostfixOrSendmail("alice@mx.private.test", "alice");
  const std::vector<Case> cases = {
      {.port = Port::kSmtp,
       .daemon = PostfixOrSendmail("mx.private.test", "MTA")},
      {.port = Port::kSubmission,
       .daemon = PostfixOrSendmail("ORIGINATING", "MSA")},
      {.port = Port::kSubmissions,
       .daemon = PostfixOrSendmail("ORIGINATING", "MSA-TLS")},
  };
  for (size_t i = 0; i < cases.size(); ++i) {
    SmtpClient client = VisitAsUser(cases[i].port);
    const std::string recipient =
        "u" + std::to_string(i) + "@elsewhere.example";
    EXPECT_EQ(client
                  .Deliver("<alice@example.org>", "<" + recipient + ">",
                           kCleanMessage)
                  .code,
              250);
  }
  const auto deliveries = mta().AwaitDeliveries(cases.size());
  ASSERT_EQ(deliveries.size(), cases.size());
  for (const Delivery& delivery : deliveries) {
    const Case& sent = cases[static_cast<size_t>(delivery.recipient[1] - '0')];
    EXPECT_THAT(
        delivery.content,
        HasSubstr("X-User: " + user + " by PLAIN at " + sent.daemon + "\n"));
    EXPECT_THAT(delivery.content,
                HasSubstr("X-Tls: TLSv1.3 TLS_AES_256_GCM_SHA384 256\n"));
  }
}

// TLS is over with the connection, and known from STARTTLS on only.
TEST_P(Login, StrangerInTheClearHasNeitherUserNorTls) {
  ASSERT_NO_FATAL_FAILURE(Start(R"(
at mail {
  tls:  reject 550 5.7.1 "TLS" when tls.version or tls.cipher
  user: reject 550 5.7.1 "User" when auth.user or auth.method
}
)"));
  SmtpClient user = VisitAsUser(Port::kSmtp);
  EXPECT_EQ(user.Mail("<alice@example.org>").text,
            AsHeard("550 5.7.1 TLS", "<alice@example.org>"));
  SmtpClient stranger = Visit();
  EXPECT_EQ(stranger.Mail("<a@spam.example>").code, 250);
}

TEST_P(Login, SubmissionPortsDemandIt) {
  ASSERT_NO_FATAL_FAILURE(Start(kTellAll));
  for (const Port port : {Port::kSubmission, Port::kSubmissions}) {
    SmtpClient client = Visit({.helo = kLaptop}, port);
    if (port == Port::kSubmission) client.StartTls(kLaptop);
    client.Mail("<alice@example.org>");
    EXPECT_GE(client.Rcpt("<b@elsewhere.example>").code, 500);
  }
}

TEST_P(Login, PortWithoutAMilterIsNotSeen) {
  ASSERT_NO_FATAL_FAILURE(Start(R"(at mail { all: reject })"));
  SmtpClient client(mta().port(Port::kReturn));
  client.Ehlo("localhost");
  EXPECT_EQ(
      client.Deliver("<a@sender.example>", "<bob@example.org>", kCleanMessage)
          .code,
      250);
  EXPECT_EQ(Visit().Mail("<a@sender.example>").code, 554);
}

}  // namespace
}  // namespace gate::mta
