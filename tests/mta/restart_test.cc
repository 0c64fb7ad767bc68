// Restarts under socket activation, and reloads, while mail flows: the test is
// the supervisor that keeps the listening socket. Sessions in progress go on,
// new ones wait for the next daemon, and every message is decided by policy.
//
// GATE_RESTARTS=N restarts N times (restart.long).

#include <gmock/gmock.h>
#include <signal.h>

#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "tests/environment.h"
#include "tests/mta/gate_test.h"
#include "tests/mta/supervisor_socket.h"
#include "tests/occurrences.h"

namespace gate::mta {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kMessagesARestart = 800;

// What every message gets says that policy has decided it: in the message,
// and in the log, which all daemons share. The editions differ in a rule that
// decides nothing.
std::string Policy(int edition) {
  return R"(
set loops 4
limit messages 1000000/min per client.network counting messages
at mail { too_many: defer 451 4.7.1 "Slow down" when over messages }
at rcpt { other: reject 554 5.7.1 "Edition )" +
         std::to_string(edition) + R"(" when rcpt.domain == "nobody.example" }
at message {
  told: log "decided by policy"
  seen: add header "X-Seen" "yes"
}
)";
}

// The parameter is Postfix's milter_default_action: what it does on its own.
class Restart : public GateTest,
                public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(StartMta(
        {.open = true,
         .settings = {std::string("milter_default_action=") + GetParam(),
                      "smtpd_client_connection_rate_limit=0"}}));
    socket_ = std::make_unique<SupervisorSocket>(mta().milter_socket(), 0660);
    ASSERT_GE(socket_->fd(), 0);
    ASSERT_NO_FATAL_FAILURE(StartDaemon(Policy(0), {socket_->fd()}));
  }

  // `messages` of smtp-source, 30 at once, each to a recipient of its own; it
  // fails at any answer but 2xx.
  ChildProcess Send(int messages) {
    Command load = postfix().Program(
        "smtp-source",
        {"-N", "-s", "30", "-m", std::to_string(messages), "-l", "2000", "-f",
         "a@sender.example", "-t", "user@example.org",
         "127.0.0.1:" + std::to_string(postfix().port())});
    load.out = load.err = SourceLog();
    return ChildProcess(load);
  }
  std::string SourceLog() { return postfix().dir() + "/smtp-source.log"; }

  size_t Decided() { return Occurrences(gate().Log(), "decided by policy"); }
  void AwaitDecided(size_t count) {
    ASSERT_TRUE(WaitUntil([&] { return Decided() >= count; }, seconds(60)));
  }

  // With a session in the middle of its message, which goes on to its end;
  // until then the old daemon does not end.
  void RestartDaemon(int edition) {
    SmtpClient open = Visit();
    EXPECT_EQ(open.Mail("<a@sender.example>").code, 250);
    gate().Signal(SIGTERM);
    EXPECT_TRUE(WaitUntil(
        [&] {
          return Occurrences(gate().Log(), "stopping:") ==
                 static_cast<size_t>(edition);
        },
        seconds(10)));
    EXPECT_TRUE(gate().Running());
    const std::string recipient =
        "<open" + std::to_string(edition) + "@example.org>";
    EXPECT_EQ(open.Rcpt(recipient).code, 250);
    EXPECT_EQ(open.Data(kCleanMessage).code, 250);
    open.Send("QUIT");
    EXPECT_TRUE(WaitUntil([&] { return !gate().Running(); }, seconds(40)));
    EXPECT_EQ(StopGate(), 0) << "a sanitizer's report, too, is not 0";
    StartDaemon(Policy(edition), {socket_->fd()});
  }
  void ReloadDaemon(int edition) {
    ASSERT_TRUE(WriteFile(gate().policy_file(), Policy(edition)));
    EXPECT_EQ(gate().Reload().status, 0);
  }

  void ExpectAllDecidedAndDeliveredOnce(size_t messages) {
    std::map<std::string, int> copies;
    for (const Delivery& each : postfix().AwaitDeliveries(messages)) {
      ++copies[each.recipient];
      EXPECT_EQ(Occurrences(each.content, "\nX-Seen: yes\n"), 1u);
    }
    EXPECT_TRUE(postfix().Drain());
    EXPECT_EQ(copies.size(), messages);
    for (const auto& [recipient, count] : copies) {
      EXPECT_EQ(count, 1) << recipient;
    }
    EXPECT_TRUE(WaitUntil([&] { return Decided() >= messages; }, seconds(10)));
    EXPECT_EQ(Decided(), messages);
  }
  void ExpectNoReplyOfTheMtasOwn() {
    const std::string log = postfix().Log();
    EXPECT_THAT(log, Not(HasSubstr("warning: milter")));
    EXPECT_THAT(log, Not(HasSubstr("Service unavailable")));
    EXPECT_THAT(log, Not(HasSubstr("milter-reject")));
  }

  int socket() const { return socket_->fd(); }

 private:
  std::unique_ptr<SupervisorSocket> socket_;
};

TEST_P(Restart, UnderLoadEveryMessageIsDecidedByPolicy) {
  const auto restarts = static_cast<int>(FromEnvironment("GATE_RESTARTS", 2));
  const int messages = restarts * kMessagesARestart;
  ChildProcess source = Send(messages);
  for (int i = 1; i <= restarts; ++i) {
    ASSERT_NO_FATAL_FAILURE(
        AwaitDecided(static_cast<size_t>(messages * i / (restarts + 2))));
    ASSERT_NO_FATAL_FAILURE(RestartDaemon(i));
    // What was not decided then has waited for this daemon.
    EXPECT_TRUE(source.Running()) << "restart " << i << " was without load";
    ASSERT_NO_FATAL_FAILURE(ReloadDaemon(100 + i));
    ASSERT_NO_FATAL_FAILURE(ReloadDaemon(200 + i));
  }
  EXPECT_EQ(source.Wait(seconds(180)), 0) << ReadFile(SourceLog());
  ExpectAllDecidedAndDeliveredOnce(static_cast<size_t>(messages) +
                                   static_cast<size_t>(restarts));
  ExpectNoReplyOfTheMtasOwn();
  EXPECT_EQ(gate().Count("failures"), 0);
  EXPECT_EQ(gate().Count("drained"), 0);
  EXPECT_EQ(StopGate(), 0);
}

// A session that says nothing holds up new ones for as long as it may drain;
// they wait for the next daemon, and MTAs attached as in contrib wait that
// long.
TEST_P(Restart, NewSessionsOutwaitASilentOne) {
  ASSERT_EQ(StopGate(), 0);
  ASSERT_NO_FATAL_FAILURE(
      StartDaemon(Policy(0) + "set drain 1s\n", {socket()}));
  const SmtpClient silent = Visit();
  gate().Signal(SIGTERM);
  ASSERT_TRUE(WaitUntil(
      [&] { return Occurrences(gate().Log(), "stopping:") > 0; }, seconds(10)));
  std::this_thread::sleep_for(milliseconds(500));  // it accepts no more
  std::future<std::string> answer = std::async(std::launch::async, [this] {
    SmtpClient fresh = Visit();
    fresh.Mail("<a@sender.example>");
    return fresh.Rcpt("<b@nobody.example>").text;
  });
  ASSERT_TRUE(WaitUntil([&] { return !gate().Running(); }, seconds(20)));
  EXPECT_EQ(answer.wait_for(seconds(0)), std::future_status::timeout);
  ASSERT_NO_FATAL_FAILURE(StartDaemon(Policy(1), {socket()}));
  EXPECT_THAT(answer.get(), HasSubstr("Edition 1"));
  EXPECT_THAT(postfix().Log(), Not(HasSubstr("warning: milter")));
}

INSTANTIATE_TEST_SUITE_P(DefaultAction, Restart,
                         testing::Values("tempfail", "accept"),
                         [](const auto& each) {
                           return std::string(each.param);
                         });

}  // namespace
}  // namespace gate::mta
