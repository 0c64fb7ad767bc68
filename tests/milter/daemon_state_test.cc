// The real binary: what it counted is there after a restart, whatever ended
// it.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "milter/listener.h"
#include "tests/milter/http_client.h"
#include "tests/milter/mta_client.h"
#include "tests/mta/gatemilter_process.h"
#include "tests/mta/temp_dir.h"

namespace gate::milter {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kPolicy = R"(
limit per_client 1/hour per client.ip counting recipients
at rcpt {
  no_relay: reject 554 5.7.1 "Relaying denied" when rcpt.domain == "elsewhere.example"
  too_many: defer 451 4.7.1 "Too many" when over per_client
}
)";

class DaemonStateTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(web_.ok()) << web_.status(); }

  mta::GatemilterProcess Start() {
    return mta::GatemilterProcess(
        {.dir = folder_.path(),
         .milter_socket = MilterSocket(),
         .group = "",
         .policy =
             absl::StrCat("set socket \"unix:", MilterSocket(),
                          "\"\nset metrics \"127.0.0.1:", PortOf(web_->fd()),
                          "\"\nset state \"", StateFolder(), "\"\n", kPolicy),
         .sockets = {web_->fd()},
         .keep_sockets = true});
  }
  std::string MilterSocket() const { return folder_.path() + "/milter.sock"; }
  std::string StateFolder() const { return folder_.path() + "/state"; }

  // One recipient of each rule, and one that passes.
  void Session() const {
    MtaClient mta(MilterSocket());
    ASSERT_TRUE(mta.Negotiate());
    mta.Connect("x", "203.0.113.9", 1);
    mta.Helo("x");
    mta.Mail("<a@sender.example>");
    mta.Rcpt("<b@elsewhere.example>");
    mta.Rcpt("<b@here.example>");
    mta.Rcpt("<c@here.example>");
    mta.Quit();
  }
  static json Parse(const mta::GatemilterProcess& daemon) {
    return json::parse(daemon.StatsJson(), nullptr, /*exceptions=*/false);
  }
  // What must be the same afterwards; the series move on with time.
  static json Counted(const mta::GatemilterProcess& daemon) {
    const json stats = Parse(daemon);
    json counted = {{"counters", stats.at("counters")},
                    {"latency", stats.at("latency")},
                    {"top", stats.at("top")}};
    for (const char* part : {"rules", "limits"}) {
      for (json entry : stats.at(part)) {
        entry.erase("minutes");
        entry.erase("tens");
        counted[part].push_back(std::move(entry));
      }
    }
    return counted;
  }
  std::string Metrics() const {
    return HttpClient(PortOf(web_->fd())).Ask("/metrics").body;
  }
  // Until a save begins and ends after this.
  static bool WaitForSaves(const mta::GatemilterProcess& daemon, int saves) {
    int seen = 0;
    int64_t age = 0;
    return mta::WaitUntil(
        [&] {
          const int64_t now = Parse(daemon).at("state").at("age_seconds");
          if (now < age) ++seen;
          age = now;
          return seen == saves;
        },
        seconds(60));
  }

  mta::TempDir folder_;
  absl::StatusOr<Listener> web_ =
      Listener::Bind({.address = "inet:0@127.0.0.1", .mode = {}, .group = {}});
};

std::string NoRelay(int count) {
  return absl::StrCat(
      "gatemilter_verdicts_total{rule=\"no_relay\",stage=\"rcpt\","
      "action=\"reject\",shadow=\"false\"} ",
      count, "\n");
}

TEST_F(DaemonStateTest, GoesOnFromTheLastSaveAfterAKill) {
  json before;
  {
    mta::GatemilterProcess daemon = Start();
    ASSERT_EQ(daemon.fault(), "");
    Session();
    Session();
    EXPECT_EQ(daemon.RuleCount("rcpt", "no_relay"), 2);
    EXPECT_EQ(daemon.RuleCount("rcpt", "too_many"), 3);
    ASSERT_TRUE(WaitForSaves(daemon, 1)) << daemon.Log();
    before = Counted(daemon);
    EXPECT_EQ(before.at("limits").at(0).at("count"), 3) << before;
    EXPECT_EQ(before.at("top").at("rule").at("day").at("decisions"), 5);
    EXPECT_EQ(before.at("counters").at("connections"), 2);
    // This one comes too late to be kept.
    Session();
    daemon.Signal(SIGKILL);
    daemon.Stop();
  }
  mta::GatemilterProcess daemon = Start();
  ASSERT_EQ(daemon.fault(), "");
  EXPECT_EQ(Counted(daemon), before) << daemon.Log();
  Session();
  EXPECT_EQ(daemon.RuleCount("rcpt", "no_relay"), 3);
}

TEST_F(DaemonStateTest, SavesAllOfItWhenItIsStopped) {
  for (int life = 1; life <= 3; ++life) {
    mta::GatemilterProcess daemon = Start();
    ASSERT_EQ(daemon.fault(), "");
    Session();
    EXPECT_EQ(daemon.RuleCount("rcpt", "no_relay"), life);
    EXPECT_EQ(daemon.Stop(), 0) << daemon.Log();
  }
  const mta::GatemilterProcess daemon = Start();
  const json counted = Counted(daemon);
  EXPECT_EQ(counted.at("counters").at("recipients"), 9);
  // Those of the last moment went through the recorder's queue.
  EXPECT_EQ(counted.at("top").at("rule").at("hour").at("decisions"), 6)
      << counted;
}

// Prometheus would take a counter that went back, by what a kill lost, for one
// that began anew, and add all that it ever counted.
TEST_F(DaemonStateTest, MetricsBeginAtZeroWithEachStart) {
  for (int life = 1; life <= 2; ++life) {
    mta::GatemilterProcess daemon = Start();
    ASSERT_EQ(daemon.fault(), "");
    EXPECT_THAT(
        Metrics(),
        AllOf(
            HasSubstr(NoRelay(0)),
            HasSubstr("gatemilter_limit_over_total{limit=\"per_client\"} 0\n"),
            HasSubstr("gatemilter_recipients_total 0\n"),
            HasSubstr("gatemilter_event_seconds_bucket{stage=\"rcpt\",le="
                      "\"+Inf\"} 0\n"),
            HasSubstr("gatemilter_event_seconds_sum{stage=\"rcpt\"} 0.000000"
                      "\n"),
            // No counter: of all that is known.
            HasSubstr(absl::StrCat("gatemilter_policy_rules_never_held ",
                                   life == 1 ? 2 : 0, "\n"))));
    Session();
    EXPECT_THAT(
        Metrics(),
        AllOf(
            HasSubstr(NoRelay(1)),
            HasSubstr("gatemilter_limit_over_total{limit=\"per_client\"} 1\n"),
            HasSubstr("gatemilter_recipients_total 3\n"),
            HasSubstr("gatemilter_event_seconds_count{stage=\"rcpt\"} 3\n")));
    EXPECT_EQ(daemon.RuleCount("rcpt", "no_relay"), life);
    EXPECT_EQ(daemon.Count("recipients"), 3 * life);
    EXPECT_EQ(daemon.Stop(), 0);
  }
}

TEST_F(DaemonStateTest, StartsOverADamagedFile) {
  { ASSERT_EQ(Start().fault(), ""); }
  const std::string file = StateFolder() + "/statistics";
  std::string bytes = mta::ReadFile(file);
  ASSERT_GT(bytes.size(), 100u);
  bytes[bytes.size() / 2] ^= 1;
  ASSERT_TRUE(mta::WriteFile(file, bytes));
  mta::GatemilterProcess daemon = Start();
  ASSERT_EQ(daemon.fault(), "");
  EXPECT_THAT(daemon.Log(),
              HasSubstr("state: " + file + ": damaged; it is kept as " + file +
                        ".damaged; all counters begin at 0"));
  EXPECT_EQ(mta::ReadFile(file + ".damaged"), bytes);
  EXPECT_EQ(Parse(daemon).at("state").at("fault"), "");
}

TEST_F(DaemonStateTest, ServesWhereNothingCanBeSavedAndSaysSo) {
  // A folder below a file: no account can make it.
  ASSERT_TRUE(mta::WriteFile(StateFolder(), ""));
  mta::GatemilterProcess daemon = Start();
  ASSERT_EQ(daemon.fault(), "");
  Session();
  EXPECT_EQ(daemon.RuleCount("rcpt", "no_relay"), 1);
  EXPECT_THAT(daemon.Log(),
              HasSubstr("statistics are not saved until this is mended"));
  EXPECT_THAT(Parse(daemon).at("state").at("fault").dump(),
              HasSubstr("Not a directory"));
  EXPECT_THAT(daemon.Stats(), HasSubstr("NOT SAVED"));
  EXPECT_EQ(daemon.Stop(), 0);
}

}  // namespace
}  // namespace gate::milter
