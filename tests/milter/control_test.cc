#include "milter/control.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "milter/control_stream.h"

namespace gate::milter {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class FakeHandler : public ControlHandler {
 public:
  ReloadReport Reload() override { return reload; }
  StatsReport Stats() override { return stats; }
  std::string Tail(uint64_t after, size_t newest) override {
    return std::to_string(after) + "," + std::to_string(newest);
  }

  ReloadReport reload;
  StatsReport stats;
};

class ControlTest : public testing::Test {
 protected:
  ~ControlTest() override {
    server_.reset();
    rmdir(directory_.c_str());
  }

  void Start(const ControlServerOptions& options = {}) {
    auto listener =
        Listener::Bind({.address = address_, .mode = {}, .group = {}});
    ASSERT_TRUE(listener.ok()) << listener.status();
    server_ = std::make_unique<ControlServer>(*std::move(listener), handler_,
                                              options);
    server_->Start();
  }

  static Deadline Soon() {
    return std::chrono::steady_clock::now() + std::chrono::seconds(10);
  }

  FakeHandler handler_;
  std::string directory_ = [] {
    std::string path = testing::TempDir() + "gate-control-XXXXXX";
    EXPECT_NE(mkdtemp(path.data()), nullptr);
    return path;
  }();
  std::string address_ = "unix:" + directory_ + "/control.sock";
  std::unique_ptr<ControlServer> server_;
};

TEST_F(ControlTest, TailAsksForWhatCameSince) {
  Start();
  EXPECT_EQ(*AskTail(address_, 17, 0), "17,0");
  EXPECT_EQ(*AskTail(address_, 0, 10), "0,10");
}

TEST_F(ControlTest, ReloadBringsTheWholeReport) {
  handler_.reload = {.installed = true,
                     .report = "policy.rules:3:1: warning: \xc3\xa9\n",
                     .needs_restart = {"socket", "user"},
                     .policy_hash = "abc",
                     .rules = 12};
  Start();
  const auto report = AskReload(address_);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->installed);
  EXPECT_EQ(report->report, handler_.reload.report);
  EXPECT_THAT(report->needs_restart, ElementsAre("socket", "user"));
  EXPECT_EQ(report->policy_hash, "abc");
  EXPECT_EQ(report->rules, 12u);
}

TEST_F(ControlTest, StatsBringEveryNumber) {
  StatsReport& stats = handler_.stats;
  for (size_t i = 0; i < stats.statistics.counters.size(); ++i) {
    stats.statistics.counters[i] = 100 + i;
  }
  stats.statistics.rules = {{.stage = rules::Stage::kConnect,
                             .rule = "blocked",
                             .action = rules::Action::kAccept,
                             .shadow = false,
                             .count = 0},
                            {.stage = rules::Stage::kMessage,
                             .rule = "tag",
                             .action = rules::Action::kBan,
                             .shadow = true,
                             .count = uint64_t{1} << 40}};
  stats.unknown_facts = {
      {.fact = "server.host",
       .macros = "{if_name}",
       .mta = "Postfix",
       .events = 7,
       .rules = {{.stage = rules::Stage::kMail, .label = "inside"}},
       .mend = "main.cf: a = b"}};
  stats.policy_file = "/etc/policy.rules";
  stats.version = "0.1.0";
  stats.uptime_seconds = 7;
  stats.policy_age_seconds = 6;
  stats.store = {.name = "redis 127.0.0.1:6379",
                 .shared = true,
                 .why = "no answer",
                 .entries = 5,
                 .evicted = 4};
  stats.statistics.durations = {{.up_to_us = 10, .count = 3},
                                {.up_to_us = 0, .count = 1}};
  Start();
  const auto report = AskStats(address_);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->statistics.counters, stats.statistics.counters);
  ASSERT_EQ(report->statistics.rules.size(), 2u);
  const policy::RuleCount& rule = report->statistics.rules[1];
  EXPECT_EQ(rule.stage, rules::Stage::kMessage);
  EXPECT_EQ(rule.rule, "tag");
  EXPECT_EQ(rule.action, rules::Action::kBan);
  EXPECT_TRUE(rule.shadow);
  EXPECT_EQ(rule.count, uint64_t{1} << 40);
  EXPECT_EQ(report->statistics.rules[0].stage, rules::Stage::kConnect);
  EXPECT_EQ(report->statistics.rules[0].action, rules::Action::kAccept);
  ASSERT_EQ(report->unknown_facts.size(), 1u);
  const UnknownFactReport& unknown = report->unknown_facts[0];
  EXPECT_EQ(unknown.fact, "server.host");
  EXPECT_EQ(unknown.macros, "{if_name}");
  EXPECT_EQ(unknown.mta, "Postfix");
  EXPECT_EQ(unknown.events, 7u);
  ASSERT_EQ(unknown.rules.size(), 1u);
  EXPECT_EQ(unknown.rules[0].stage, rules::Stage::kMail);
  EXPECT_EQ(unknown.rules[0].label, "inside");
  EXPECT_EQ(unknown.mend, "main.cf: a = b");
  EXPECT_EQ(report->policy_file, "/etc/policy.rules");
  EXPECT_EQ(report->version, "0.1.0");
  EXPECT_EQ(report->uptime_seconds, 7u);
  EXPECT_EQ(report->policy_age_seconds, 6u);
  EXPECT_EQ(report->store.name, "redis 127.0.0.1:6379");
  EXPECT_TRUE(report->store.shared);
  EXPECT_EQ(report->store.why, "no answer");
  EXPECT_EQ(report->store.entries, 5u);
  EXPECT_EQ(report->store.evicted, 4u);
  ASSERT_EQ(report->statistics.durations.size(), 2u);
  EXPECT_EQ(report->statistics.durations[0].up_to_us, 10u);
  EXPECT_EQ(report->statistics.durations[0].count, 3u);
  EXPECT_EQ(report->statistics.durations[1].count, 1u);
}

TEST_F(ControlTest, SocketIsForItsGroupOnly) {
  Start();
  struct stat status;
  ASSERT_EQ(stat(address_.c_str() + 5, &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0660u);
}

TEST_F(ControlTest, SlowClientIsCutAndTheNextIsServed) {
  Start({.client_deadline = std::chrono::milliseconds(20)});
  const auto slow = ConnectControl(address_);
  ASSERT_TRUE(slow.ok());
  EXPECT_TRUE(AskStats(address_).ok());
  EXPECT_THAT(
      std::string(ReceiveMessage(slow->get(), 100, Soon()).status().message()),
      HasSubstr("closed"));
}

TEST_F(ControlTest, UnknownRequestIsAnsweredWithAnError) {
  Start();
  const auto client = ConnectControl(address_);
  ASSERT_TRUE(client.ok());
  ASSERT_TRUE(SendMessage(client->get(), "\xff\xff nonsense", Soon()).ok());
  const auto answer = ReceiveMessage(client->get(), 1000, Soon());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(*answer, HasSubstr("does not know the request"));
}

TEST_F(ControlTest, RequestOfMoreThanOneMebibyteIsCut) {
  Start();
  const auto client = ConnectControl(address_);
  ASSERT_TRUE(client.ok());
  const std::string large((1 << 20) + 1, 'x');
  // The server may close before it has read all of it.
  SendMessage(client->get(), large, Soon()).IgnoreError();
  EXPECT_FALSE(ReceiveMessage(client->get(), 1000, Soon()).ok());
  EXPECT_TRUE(AskStats(address_).ok());
}

TEST_F(ControlTest, MissingSocketNamesItAndTheRepair) {
  const auto report = AskStats(address_);
  EXPECT_THAT(
      std::string(report.status().message()),
      AllOf(HasSubstr("control socket " + address_), HasSubstr("No such file"),
            HasSubstr("is gatemilter running?")));
}

TEST_F(ControlTest, OnlyUnixSocketsAreAsked) {
  const auto report = AskReload("inet:1234@127.0.0.1");
  EXPECT_THAT(std::string(report.status().message()), HasSubstr("unix:/path"));
}

TEST_F(ControlTest, StopsWhileIdleAndRemovesItsSocket) {
  Start();
  ASSERT_TRUE(AskStats(address_).ok());
  server_.reset();
  EXPECT_NE(access(address_.c_str() + 5, F_OK), 0);
}

}  // namespace
}  // namespace gate::milter
