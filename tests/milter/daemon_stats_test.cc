// The real binary: what it tells of itself and of what it did.
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/milter/mta_client.h"
#include "tests/mta/gatemilter_process.h"
#include "tests/mta/temp_dir.h"

namespace gate::milter {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;

constexpr const char* kPolicy = R"(
list blocked networks from "blocked.networks"
list ours domains { .example.org }
at rcpt {
  no_relay: reject 554 5.7.1 "Relaying denied" when rcpt.domain not in ours
  blocked: reject 554 5.7.1 "Blocked" when client.ip in blocked
}
)";

class DaemonStatsTest : public testing::Test {
 protected:
  DaemonStatsTest() {
    mta::WriteFile(folder_.path() + "/blocked.networks", "192.0.2.0/24\n");
  }

  mta::GatemilterProcess Start(const std::string& settings) {
    return mta::GatemilterProcess(
        {.dir = folder_.path(),
         .milter_socket = MilterSocket(),
         .group = "",
         .policy = "set socket \"unix:" + MilterSocket() + "\"\n" + settings +
                   kPolicy,
         .keep_sockets = true});
  }
  std::string MilterSocket() const { return folder_.path() + "/milter.sock"; }

  // One session whose only recipient is refused by no_relay.
  void Refuse(const std::string& client) const {
    MtaClient mta(MilterSocket());
    ASSERT_TRUE(mta.Negotiate());
    mta.Connect("x", client, 1);
    mta.Helo("x");
    mta.Mail("<a@sender.example>");
    EXPECT_EQ(mta.Rcpt("<b@elsewhere.example>").verdict, 'y');
    mta.Quit();
  }
  static json Parse(const mta::GatemilterProcess& daemon) {
    return json::parse(daemon.StatsJson(), nullptr, /*exceptions=*/false);
  }
  // The numbers that come over the recorder's queue are there soon.
  static json WaitFor(const mta::GatemilterProcess& daemon,
                      const std::string& pointer, const json& value) {
    json stats;
    mta::WaitUntil(
        [&] {
          stats = Parse(daemon);
          return stats.value(json::json_pointer(pointer), json()) == value;
        },
        seconds(20));
    return stats;
  }

  mta::TempDir folder_;
};

TEST_F(DaemonStatsTest, TellsWhoIsRefusedMost) {
  const mta::GatemilterProcess daemon = Start("");
  ASSERT_EQ(daemon.fault(), "");
  Refuse("203.0.113.9");
  Refuse("203.0.113.9");
  Refuse("198.51.100.1");
  const json stats = WaitFor(daemon, "/top/client/hour/decisions", 3);
  for (const char* period : {"hour", "day"}) {
    const json top = stats.at("top");
    const json clients = top.at("client").at(period).at("keys");
    ASSERT_EQ(clients.size(), 2u) << stats;
    EXPECT_EQ(clients[0], json::parse(R"(
        {"key": "203.0.113.9", "count": 2, "error": 0})"));
    EXPECT_EQ(clients[1].at("key"), "198.51.100.1");
    EXPECT_EQ(top.at("sender").at(period).at("keys").at(0).at("key"),
              "sender.example");
    EXPECT_EQ(top.at("rcpt").at(period).at("keys").at(0).at("key"),
              "elsewhere.example");
    EXPECT_EQ(top.at("rule").at(period).at("keys").at(0).at("key"), "no_relay");
    EXPECT_EQ(top.at("user").at(period).at("keys").size(), 0u);
  }
  const mta::Outcome text =
      mta::Gatemilter({"stats", "--by", "client", "--since", "1h", "--control",
                       "unix:" + folder_.path() + "/control.sock"});
  EXPECT_THAT(text.out, HasSubstr("203.0.113.9"));
}

TEST_F(DaemonStatsTest, TellsTheMinuteUnderWay) {
  const mta::GatemilterProcess daemon = Start("");
  ASSERT_EQ(daemon.fault(), "");
  Refuse("203.0.113.9");
  const json stats = Parse(daemon);
  EXPECT_THAT(stats.at("minute").dump(),
              MatchesRegex("\"20..-..-..T..:..:00Z\""));
  EXPECT_EQ(stats.at("policy").at("load"), 1);
  const json& rule = stats.at("rules").at(0);
  EXPECT_EQ(rule.at("rule"), "no_relay");
  EXPECT_EQ(rule.at("last_hour"), 1);
  EXPECT_EQ(rule.at("minutes").size(), 60u);
  EXPECT_EQ(rule.at("minutes").at(59).get<int>() +
                rule.at("minutes").at(58).get<int>(),
            1);
}

TEST_F(DaemonStatsTest, TellsListsAndTheirAges) {
  const mta::GatemilterProcess daemon = Start("");
  ASSERT_EQ(daemon.fault(), "");
  const json young = WaitFor(daemon, "/lists/0/entries", 1).at("lists").at(0);
  EXPECT_EQ(young.at("list"), "blocked");
  EXPECT_EQ(young.at("type"), "networks");
  EXPECT_THAT(young.at("file").dump(), HasSubstr("/blocked.networks"));
  const auto is_old = [&] {
    return Parse(daemon).at("lists").at(0).at("age_seconds") >= 2;
  };
  EXPECT_TRUE(mta::WaitUntil(is_old, seconds(20))) << Parse(daemon);
  // New contents are young.
  mta::WriteFile(folder_.path() + "/blocked.networks",
                 "192.0.2.0/24\n198.51.100.0/24\n");
  const json read = WaitFor(daemon, "/lists/0/entries", 2).at("lists");
  EXPECT_EQ(read.at(0).at("entries"), 2);
  EXPECT_LE(read.at(0).at("age_seconds"), 20);
  // Faulty ones do not take their place: what is served gets older.
  mta::WriteFile(folder_.path() + "/blocked.networks", "nonsense\n");
  EXPECT_TRUE(mta::WaitUntil(
      [&] {
        return daemon.Log().find("the old contents stay") != std::string::npos;
      },
      seconds(20)));
  const json kept = Parse(daemon).at("lists");
  EXPECT_EQ(kept.at(0).at("entries"), 2);
  EXPECT_GE(kept.at(0).at("age_seconds"), read.at(0).at("age_seconds"));
  EXPECT_EQ(kept.at(1).at("list"), "ours");
  EXPECT_EQ(kept.at(1).at("age_seconds"), 0);
}

TEST_F(DaemonStatsTest, SaysThatThereIsNoJournal) {
  const mta::GatemilterProcess without = Start("");
  ASSERT_EQ(without.fault(), "");
  EXPECT_EQ(Parse(without).at("journal"), nullptr);
}

TEST_F(DaemonStatsTest, TellsWhatTheJournalWrote) {
  const std::string folder = folder_.path() + "/journal";
  const mta::GatemilterProcess daemon =
      Start("set journal \"" + folder + "\"\n");
  ASSERT_EQ(daemon.fault(), "");
  Refuse("203.0.113.9");
  Refuse("203.0.113.9");
  const json journal = WaitFor(daemon, "/journal/written", 2).at("journal");
  EXPECT_EQ(journal.at("folder"), folder);
  EXPECT_EQ(journal.at("written"), 2);
  EXPECT_EQ(journal.at("dropped"), 0);
  EXPECT_EQ(journal.at("segments"), 1);
  EXPECT_GT(journal.at("bytes"), 0);
  EXPECT_EQ(journal.at("queued_bytes"), 0);
  EXPECT_GT(journal.at("queue_bytes"), 1 << 20);
  EXPECT_TRUE(journal.at("oldest").is_string());
  EXPECT_EQ(journal.at("fault"), "");
  EXPECT_THAT(daemon.Stats(), HasSubstr("journal: " + folder + ", 1 file, "));
}

}  // namespace
}  // namespace gate::milter
