// Reloads while SMTP sessions go on.

#include <gmock/gmock.h>
#include <signal.h>

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "tests/mta/gate_test.h"

namespace gate::mta {
namespace {

using ::testing::HasSubstr;

std::string NoRelay(const std::string& text) {
  return R"(
list our_domains domains { example.org }
limit messages 100000/min per client.network counting messages
at mail { too_many: defer 451 4.7.1 "Slow down" when over messages }
at rcpt {
  no_relay: reject 554 5.7.1 ")" +
         text + R"(" when rcpt.domain not in our_domains
}
at message { seen: add header "X-Seen" "yes" }
)";
}

class Reload : public GateTest {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(StartGate(NoRelay("Old text")));
  }
  void ExpectRefusal(SmtpClient& client, const std::string& text) {
    EXPECT_EQ(client.Send("RSET").code, 250);
    EXPECT_EQ(client.Mail("<a@sender.example>").code, 250);
    EXPECT_EQ(client.Rcpt("<b@elsewhere.example>").text, text);
  }
};

TEST_F(Reload, NewPolicyDecidesNewSessionsOldOnesKeepTheirs) {
  SmtpClient before = Visit();
  ASSERT_TRUE(WriteFile(gate().policy_file(), NoRelay("New text")));
  const Outcome reload = gate().Reload();
  EXPECT_EQ(reload.status, 0) << reload.out << reload.err;
  SmtpClient after = Visit();
  ExpectRefusal(after, "554 5.7.1 New text");
  ExpectRefusal(before, "554 5.7.1 Old text");
}

TEST_F(Reload, BrokenFileLeavesTheRunningPolicyUntouched) {
  SmtpClient open = Visit();
  ASSERT_TRUE(WriteFile(gate().policy_file(),
                        "at rcpt { x: reject 554 5.7.1 \"\" when no.fact }"));
  const Outcome reload = gate().Reload();
  EXPECT_EQ(reload.status, 1);
  EXPECT_THAT(reload.out + reload.err, HasSubstr("policy.rules:1:"));
  ExpectRefusal(open, "554 5.7.1 Old text");
  SmtpClient later = Visit();
  ExpectRefusal(later, "554 5.7.1 Old text");
}

TEST_F(Reload, FailingTestLeavesTheRunningPolicyUntouched) {
  SmtpClient open = Visit();
  ASSERT_TRUE(WriteFile(gate().policy_file(), NoRelay("New text") + R"(
test "strangers relay" {
  client 203.0.113.9
  helo "mx.spam.example"
  mail <a@spam.example>
  rcpt <b@elsewhere.example> expect accept
}
)"));
  const Outcome reload = gate().Reload();
  EXPECT_EQ(reload.status, 1);
  EXPECT_THAT(reload.out + reload.err, HasSubstr("strangers relay"));
  ExpectRefusal(open, "554 5.7.1 Old text");
  SmtpClient later = Visit();
  ExpectRefusal(later, "554 5.7.1 Old text");
}

TEST_F(Reload, SignalUsr1ReloadsToo) {
  ASSERT_TRUE(WriteFile(gate().policy_file(), NoRelay("New text")));
  gate().Signal(SIGUSR1);
  const auto new_text = [this] {
    SmtpClient client = Visit();
    client.Mail("<a@sender.example>");
    return client.Rcpt("<b@elsewhere.example>").text == "554 5.7.1 New text";
  };
  EXPECT_TRUE(WaitUntil(new_text, std::chrono::seconds(20)));
}

TEST_F(Reload, LimitsOutliveTheirPolicy) {
  const std::string policy = R"(
limit two 2/hour per client.ip counting messages
at mail { enough: defer 451 4.7.1 "Two an hour" when over two }
)";
  ASSERT_TRUE(WriteFile(gate().policy_file(), policy));
  ASSERT_EQ(gate().Reload().status, 0);
  for (int i = 0; i < 2; ++i) {
    SmtpClient client = Visit();
    EXPECT_EQ(
        client.Deliver("<a@sender.example>", "<bob@example.org>", kCleanMessage)
            .code,
        250);
  }
  ASSERT_EQ(gate().Reload().status, 0);
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@sender.example>").text, "451 4.7.1 Two an hour");
}

// Every message is answered, none is lost, none comes twice.
TEST_F(Reload, TenReloadsUnderLoadLoseNothing) {
  // Under sanitizers ten reloads take longer.
  constexpr int kMessages =
      std::string_view(GATE_SANITIZER).empty() ? 1000 : 3000;
  // -N numbers the recipients; the program fails at any answer but 2xx.
  Command load = postfix().Program(
      "smtp-source",
      {"-N", "-s", "20", "-m", std::to_string(kMessages), "-l", "2000", "-f",
       "a@sender.example", "-t", "user@example.org",
       "127.0.0.1:" + std::to_string(postfix().port())});
  load.out = load.err = postfix().dir() + "/smtp-source.log";
  ChildProcess source(load);
  int reloads_under_load = 0;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(
        WriteFile(gate().policy_file(), NoRelay("Text " + std::to_string(i))));
    EXPECT_EQ(gate().Reload().status, 0);
    if (source.Running()) ++reloads_under_load;
  }
  EXPECT_EQ(source.Wait(std::chrono::seconds(180)), 0) << ReadFile(load.err);
  EXPECT_EQ(reloads_under_load, 10);

  std::map<std::string, int> copies;
  for (const Delivery& delivery : postfix().AwaitDeliveries(kMessages)) {
    ++copies[delivery.recipient];
    EXPECT_THAT(delivery.content, HasSubstr("\nX-Seen: yes\n"));
  }
  EXPECT_TRUE(postfix().Drain());
  EXPECT_EQ(copies.size(), static_cast<size_t>(kMessages));
  for (const auto& [recipient, count] : copies) {
    EXPECT_EQ(count, 1) << recipient;
  }
  EXPECT_EQ(gate().Count("messages"), kMessages);
  EXPECT_EQ(gate().RuleCount("message", "seen"), kMessages);
  EXPECT_EQ(gate().Count("failures"), 0);
  EXPECT_EQ(StopGate(), 0) << "a sanitizer's report, too, is not 0";
}

}  // namespace
}  // namespace gate::mta
