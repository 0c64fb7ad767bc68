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
#include "milter/stats_json.h"

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
  stats.statistics.rules = {
      {.stage = rules::Stage::kConnect,
       .rule = "blocked",
       .action = rules::Action::kAccept,
       .installed = true},
      {.stage = rules::Stage::kMessage,
       .rule = "tag",
       .action = rules::Action::kBan,
       .shadow = true,
       .held = {.total = uint64_t{1} << 40,
                .last_hour = 4,
                .last_day = 5,
                .last_us = 6,
                .series = {.minutes = {1, 3}, .tens = {2, 3}}},
       .repeats = {.total = 9}}};
  stats.statistics.limits = {{.limit = "per_user", .over = {.total = 8}}};
  stats.statistics.counter_series[1] = {.minutes = {7}, .tens = {8}};
  stats.statistics.minute_us = 60'000'000;
  stats.now_us = 61'000'000;
  stats.top = {{.kind = policy::TopKind::kUser,
                .period = policy::TopPeriod::kDay,
                .list = {.added = 3,
                         .floor = 2,
                         .keys = {{.key = "alice", .count = 2, .error = 1}}}}};
  stats.connections = {{.policy_hash = "abc", .load = 2, .open = 17}};
  stats.lists = {{.name = "blocked",
                  .type = "networks",
                  .file = "b.networks",
                  .entries = 12,
                  .age_seconds = 13}};
  stats.journal = {.folder = "/var/log/g",
                   .queued_bytes = 1,
                   .queue_bytes = 2,
                   .written = 3,
                   .dropped = 4,
                   .segments = 5,
                   .bytes = 6,
                   .oldest_us = 7,
                   .fault = "full"};
  stats.state = {.folder = "/var/lib/g", .fault = "full", .age_seconds = 8};
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
  stats.policy_load = 5;
  stats.policy_loaded_us = 55'000'000;
  stats.store = {.name = "redis 127.0.0.1:6379",
                 .shared = true,
                 .why = "no answer",
                 .entries = 5,
                 .evicted = 4};
  stats.statistics.events[6] = {
      .durations = {{.up_to_us = 10, .count = 3}, {.up_to_us = 0, .count = 1}},
      .sum_us = 44};
  stats.statistics.store.sum_us = 45;
  Start();
  const auto report = AskStats(address_);
  ASSERT_TRUE(report.ok()) << report.status();
  // Both as text: no number is left out of it.
  EXPECT_EQ(StatsJson(*report), StatsJson(stats));
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
