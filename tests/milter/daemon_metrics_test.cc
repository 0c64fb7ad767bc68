// The real binary's metrics as Prometheus' own promtool sees them, and what
// contrib/grafana makes of them. promtool: Debian's package prometheus,
// installed or unpacked by contrib/deps.
#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>
#include <thread>
#include <vector>

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
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using Names = std::set<std::string>;

constexpr const char* kPolicy = R"(
list blocked networks from "blocked.networks"
limit per_client 1/hour per client.ip counting recipients
at connect {
  shadow watched: reject 554 5.7.1 "Watched" when client.ip in blocked
}
at helo { bad_name: reject 550 5.7.1 "Bad name" when helo == "bad" }
at rcpt {
  no_relay: reject 554 5.7.1 "No" when rcpt.domain == "elsewhere.example"
  too_many: defer 451 4.7.1 "Too many" when over per_client
  inside: accept when server.host == "inside"
}
)";

const std::string kSources = GATE_SOURCE_DIR;

mta::Outcome Promtool(const std::vector<std::string>& arguments,
                      const std::string& in = "/dev/null") {
  const std::string installed = "/usr/bin/promtool";
  mta::Command command;
  command.argv = {std::filesystem::exists(installed)
                      ? installed
                      : kSources + "/build/mta/prometheus" + installed};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.in = in;
  return mta::Run(command);
}

// Names of our metrics in expressions, or in samples.
Names NamesIn(const std::string& text) {
  static const std::regex kName("gatemilter_[a-z0-9_]+");
  return {std::sregex_token_iterator(text.begin(), text.end(), kName),
          std::sregex_token_iterator()};
}

void CollectExpressions(const json& node, std::string& out) {
  if (node.is_object() && node.contains("expr")) {
    out += node.at("expr").get<std::string>() + "\n";
  }
  if (node.is_object() && node.contains("query") &&
      node.at("query").is_string()) {
    out += node.at("query").get<std::string>() + "\n";
  }
  for (const json& child : node) {
    if (child.is_structured()) CollectExpressions(child, out);
  }
}

Names Missing(const Names& wanted, const Names& there) {
  Names missing;
  for (const std::string& name : wanted) {
    if (!there.contains(name)) missing.insert(name);
  }
  return missing;
}

class DaemonMetricsTest : public testing::Test {
 protected:
  DaemonMetricsTest() {
    mta::WriteFile(folder_.path() + "/blocked.networks", "192.0.2.0/24\n");
  }

  // Null: it does not serve.
  std::unique_ptr<mta::GatemilterProcess> Start() {
    auto listener = Listener::Bind(
        {.address = "inet:0@127.0.0.1", .mode = {}, .group = {}});
    if (!listener.ok()) return nullptr;
    port_ = PortOf(listener->fd());
    const std::string& dir = folder_.path();
    auto daemon = std::make_unique<mta::GatemilterProcess>(
        mta::GatemilterProcess::Options{
            .dir = dir,
            .milter_socket = dir + "/milter.sock",
            .group = "",
            .policy = absl::StrCat(
                "set socket \"unix:", dir, "/milter.sock\"\nset metrics ",
                "\"127.0.0.1:", port_, "\"\nset state \"", dir,
                "/state\"\nset journal \"", dir, "/journal\"\n", kPolicy),
            .sockets = {listener->fd()},
            .keep_sockets = true});
    EXPECT_EQ(daemon->fault(), "");
    return daemon;
  }

  // The metrics of a daemon after some sessions.
  std::string Metrics() {
    const auto daemon = Start();
    if (daemon == nullptr) return {};
    for (int i = 0; i < 3; ++i) Session(folder_.path() + "/milter.sock");
    std::string text;
    mta::WaitUntil(
        [&] {
          text = HttpClient(port_).Ask("/metrics").body;
          return text.find("gatemilter_journal_oldest") != std::string::npos;
        },
        std::chrono::seconds(20));
    return text;
  }

  static void Session(const std::string& socket) {
    MtaClient mta(socket);
    ASSERT_TRUE(mta.Negotiate());
    mta.Connect("x", "192.0.2.9", 1);
    mta.Helo("x");
    mta.Mail("<a@sender.example>");
    mta.Rcpt("<b@elsewhere.example>");
    mta.Rcpt("<b@here.example>");
    mta.Quit();
  }

  mta::TempDir folder_;
  uint16_t port_ = 0;
};

// Whole seconds of age would move them by up to one from scrape to scrape, and
// `changes()` of the load time is what the dashboard marks as a reload.
// Whoever looks on asks before the journal's block is full, or a second old.
TEST_F(DaemonMetricsTest, WhatIsSeenAsItHappensIsFoundAtOnce) {
  const auto daemon = Start();
  ASSERT_NE(daemon, nullptr);
  const auto ask = [&](const std::string& path) {
    return json::parse(HttpClient(port_).Ask(path).body, nullptr, false);
  };
  size_t seen = 0;
  for (int i = 0; i < 5; ++i) {
    Session(folder_.path() + "/milter.sock");
    std::string reference;
    ASSERT_TRUE(mta::WaitUntil(
        [&] {
          const json decisions = ask("/api/decisions").at("decisions");
          if (decisions.size() <= seen) return false;
          seen = decisions.size();
          reference = decisions.back().value("reference", "");
          return !reference.empty();
        },
        std::chrono::seconds(20)));
    EXPECT_THAT(ask("/api/why?q=" + reference).at("records"), SizeIs(1))
        << reference;
  }
}

TEST_F(DaemonMetricsTest, StartAndLoadStandStill) {
  const auto daemon = Start();
  const auto times = [&] {
    static const std::regex kTimes(
        "gatemilter_(start_time|policy_load_timestamp)_seconds [0-9.]+");
    const std::string text = HttpClient(port_).Ask("/metrics").body;
    return std::vector<std::string>(
        std::sregex_token_iterator(text.begin(), text.end(), kTimes),
        std::sregex_token_iterator());
  };
  const std::vector<std::string> first = times();
  ASSERT_EQ(first.size(), 2u);
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(times(), first);
  }
  const mta::Outcome reload = daemon->Reload();
  ASSERT_EQ(reload.status, 0) << reload.err;
  const std::vector<std::string> second = times();
  ASSERT_EQ(second.size(), 2u);
  EXPECT_EQ(second[0], first[0]);
  EXPECT_NE(second[1], first[1]);
}

TEST_F(DaemonMetricsTest, ArePromtoolsDelight) {
  const std::string text = Metrics();
  EXPECT_THAT(text, HasSubstr("gatemilter_verdicts_total{rule=\"no_relay\","
                              "stage=\"rcpt\",action=\"reject\",shadow="
                              "\"false\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("gatemilter_verdicts_total{rule=\"watched\","
                              "stage=\"connect\",action=\"reject\",shadow="
                              "\"true\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("gatemilter_limit_over_total{limit=\"per_client"
                              "\"} 2\n"));
  EXPECT_THAT(text,
              HasSubstr("gatemilter_event_seconds_count{stage=\"rcpt\"} 6\n"));
  const std::string file = folder_.path() + "/metrics";
  ASSERT_TRUE(mta::WriteFile(file, text));
  const mta::Outcome good = Promtool({"check", "metrics"}, file);
  EXPECT_EQ(good.status, 0) << good.err;
  EXPECT_EQ(good.out + good.err, "") << "a complaint";
  // It would complain.
  ASSERT_TRUE(mta::WriteFile(
      file, text + "# TYPE gatemilter_bad counter\ngatemilter_bad 1\n"));
  const mta::Outcome bad = Promtool({"check", "metrics"}, file);
  EXPECT_NE(bad.status, 0);
  EXPECT_THAT(bad.out + bad.err, HasSubstr("gatemilter_bad"));
}

TEST_F(DaemonMetricsTest, HaveWhatDashboardAndAlertsAskFor) {
  const Names there = NamesIn(Metrics());
  ASSERT_GT(there.size(), 40u);
  const std::string dashboard_text =
      mta::ReadFile(kSources + "/contrib/grafana/dashboard.json");
  const json dashboard = json::parse(dashboard_text);
  std::string expressions;
  CollectExpressions(dashboard, expressions);
  const Names shown = NamesIn(expressions);
  EXPECT_GT(shown.size(), 15u);
  EXPECT_THAT(Missing(shown, there), IsEmpty());
  const std::string alerts =
      mta::ReadFile(kSources + "/contrib/grafana/alerts.rules.yml");
  const Names watched = NamesIn(alerts);
  EXPECT_GT(watched.size(), 10u);
  EXPECT_THAT(Missing(watched, there), IsEmpty());
  // A name that is not there is found.
  const std::string renamed =
      std::regex_replace(expressions, std::regex("gatemilter_verdicts_total"),
                         "gatemilter_verdict_total");
  EXPECT_THAT(Missing(NamesIn(renamed), there),
              testing::ElementsAre("gatemilter_verdict_total"));
}

TEST_F(DaemonMetricsTest, DashboardsPanelsAreWhole) {
  const json dashboard =
      json::parse(mta::ReadFile(kSources + "/contrib/grafana/dashboard.json"));
  EXPECT_EQ(dashboard.at("uid"), "gatemilter");
  std::set<int> ids;
  for (const json& panel : dashboard.at("panels")) {
    const std::string title = panel.at("title");
    EXPECT_TRUE(ids.insert(panel.at("id").get<int>()).second) << title;
    const json& place = panel.at("gridPos");
    EXPECT_LE(place.at("x").get<int>() + place.at("w").get<int>(), 24) << title;
    if (panel.at("type") == "row") continue;
    EXPECT_GT(panel.at("description").get<std::string>().size(), 20u) << title;
    std::set<std::string> letters;
    for (const json& target : panel.at("targets")) {
      EXPECT_TRUE(letters.insert(target.at("refId")).second) << title;
      EXPECT_EQ(target.at("datasource").at("uid"), "${datasource}") << title;
    }
    EXPECT_FALSE(letters.empty()) << title;
  }
}

// Each expression as a rule: promtool knows PromQL.
TEST_F(DaemonMetricsTest, DashboardsExpressionsAreGoodPromQl) {
  std::string expressions;
  const json dashboard =
      json::parse(mta::ReadFile(kSources + "/contrib/grafana/dashboard.json"));
  for (const json& panel : dashboard.at("panels")) {
    if (panel.contains("targets")) CollectExpressions(panel, expressions);
  }
  for (const auto& [variable, value] :
       {std::pair{"\\$__rate_interval", "5m"}, std::pair{"\\$__range", "1h"}}) {
    expressions = std::regex_replace(expressions, std::regex(variable), value);
  }
  json rules = json::array();
  for (size_t begin = 0; begin < expressions.size();) {
    const size_t end = expressions.find('\n', begin);
    rules.push_back({{"record", "r" + std::to_string(rules.size())},
                     {"expr", expressions.substr(begin, end - begin)}});
    begin = end + 1;
  }
  ASSERT_GT(rules.size(), 15u);
  const std::string file = folder_.path() + "/dashboard.rules.yml";
  const auto check = [&] {
    const json groups = {{"groups", {{{"name", "d"}, {"rules", rules}}}}};
    mta::WriteFile(file, groups.dump());  // JSON is YAML
    return Promtool({"check", "rules", file});
  };
  const mta::Outcome good = check();
  EXPECT_EQ(good.status, 0) << good.out << good.err;
  rules[0]["expr"] = "sum(rate(x[5m])";
  EXPECT_NE(check().status, 0);
}

TEST_F(DaemonMetricsTest, AlertsFireForTheirReasons) {
  const std::string& dir = folder_.path();
  const std::string rules =
      mta::ReadFile(kSources + "/contrib/grafana/alerts.rules.yml");
  ASSERT_TRUE(mta::WriteFile(
      dir + "/alerts.test.yml",
      mta::ReadFile(kSources + "/tests/milter/alerts.test.yml")));
  ASSERT_TRUE(mta::WriteFile(dir + "/alerts.rules.yml", rules));
  const mta::Outcome syntax =
      Promtool({"check", "rules", dir + "/alerts.rules.yml"});
  EXPECT_EQ(syntax.status, 0) << syntax.out << syntax.err;
  const mta::Outcome good =
      Promtool({"test", "rules", dir + "/alerts.test.yml"});
  EXPECT_EQ(good.status, 0) << good.out << good.err;
  // An alert that never fires is noticed.
  ASSERT_TRUE(mta::WriteFile(
      dir + "/alerts.rules.yml",
      std::regex_replace(rules, std::regex("gatemilter_outage == 1"),
                         "gatemilter_outage == 2")));
  const mta::Outcome bad =
      Promtool({"test", "rules", dir + "/alerts.test.yml"});
  EXPECT_NE(bad.status, 0);
  EXPECT_THAT(bad.out + bad.err, HasSubstr("GatemilterOutage"));
}

}  // namespace
}  // namespace gate::milter
