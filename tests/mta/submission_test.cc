// Mail that does not come by SMTP: sendmail(1), postdrop, pickup and cleanup
// with non_smtpd_milters. A refused recipient would stay in the queue for ever.

#include <gmock/gmock.h>

#include <string>

#include "tests/mta/gate_test.h"

namespace gate::mta {
namespace {

using ::testing::HasSubstr;

class Submission : public GateTest {
 protected:
  void StartGateFor(const std::string& policy) {
    StartGate(policy,
              {.open = true, .settings = {"non_smtpd_milters=$smtpd_milters"}});
  }
  Outcome Submit() {
    Command sendmail = postfix().Program(
        "sendmail", {"-f", "root@example.org", "b@elsewhere.example"});
    sendmail.in = postfix().dir() + "/message";
    EXPECT_TRUE(WriteFile(sendmail.in, kCleanMessage));
    return mta::Run(sendmail);
  }
};

TEST_F(Submission, RefusalOfARecipientIsOnlyLogged) {
  ASSERT_NO_FATAL_FAILURE(StartGateFor(R"(
at rcpt { nobody: reject 554 5.7.1 "No recipient at all" }
at message { seen: add header "X-Seen" "yes" }
)"));
  EXPECT_EQ(Submit().status, 0);
  const auto deliveries = postfix().AwaitDeliveries(1);
  ASSERT_EQ(deliveries.size(), 1U);
  EXPECT_EQ(deliveries[0].recipient, "b@elsewhere.example");
  EXPECT_THAT(deliveries[0].content, HasSubstr("X-Seen: yes\n"));
  EXPECT_TRUE(postfix().Drain());
  EXPECT_EQ(gate().Count("not_given"), 1);
}

TEST_F(Submission, RefusalAtMessageReturnsTheMail) {
  ASSERT_NO_FATAL_FAILURE(StartGateFor(R"(
at message { nothing: reject 554 5.7.1 "No mail at all" when session.local }
)"));
  EXPECT_EQ(Submit().status, 0);
  const auto deliveries = postfix().AwaitDeliveries(1);
  ASSERT_EQ(deliveries.size(), 1U);
  EXPECT_EQ(deliveries[0].recipient, "root@example.org");
  EXPECT_THAT(deliveries[0].content, HasSubstr("No mail at all"));
  EXPECT_TRUE(postfix().Drain());
}

}  // namespace
}  // namespace gate::mta
