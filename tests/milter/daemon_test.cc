// The real binary, without an MTA: start, reload, list files, stop.
#include <grp.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <list>
#include <regex>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/milter/mta_client.h"
#include "tests/mta/gatemilter_process.h"
#include "tests/mta/temp_dir.h"

namespace gate::milter {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

constexpr const char* kPolicy = R"(
list blocked networks from "blocked.networks"
at connect {
  blocked_network: reject 554 5.7.1 "Blocked: {client.ip}" when client.ip in blocked
}
test "a stranger may connect" {
  client 203.0.113.9 expect accept
}
)";

class DaemonTest : public testing::Test {
 protected:
  DaemonTest() {
    mta::WriteFile(folder_.path() + "/blocked.networks", "192.0.2.0/24\n");
  }

  mta::GatemilterProcess Start() {
    return mta::GatemilterProcess({.dir = folder_.path(),
                                   .milter_socket = MilterSocket(),
                                   .group = getgrgid(getegid())->gr_name,
                                   .policy = kPolicy});
  }
  std::string MilterSocket() const { return folder_.path() + "/milter.sock"; }
  std::string ControlSocket() const { return folder_.path() + "/control.sock"; }

  mta::TempDir folder_;
};

TEST_F(DaemonTest, ServesTellsStatisticsAndStopsCleanly) {
  mta::GatemilterProcess daemon = Start();
  ASSERT_EQ(daemon.fault(), "");
  EXPECT_THAT(daemon.Log(), HasSubstr("ready on unix:" + MilterSocket()));
  EXPECT_EQ(daemon.RuleCount("connect", "blocked_network"), 0);
  EXPECT_EQ(daemon.Stop(), 0) << daemon.Log();
  EXPECT_NE(access(MilterSocket().c_str(), F_OK), 0);
  EXPECT_NE(access(ControlSocket().c_str(), F_OK), 0);
}

TEST_F(DaemonTest, NamesItsThreads) {
  const mta::GatemilterProcess daemon = Start();
  ASSERT_EQ(daemon.fault(), "");
  std::set<std::string> names;
  for (const auto& thread : std::filesystem::directory_iterator(
           "/proc/" + std::to_string(daemon.pid()) + "/task")) {
    names.insert(mta::ReadFile(thread.path() / "comm"));
  }
  for (const char* name : {"loop 1", "recorder", "log", "control", "reload"}) {
    EXPECT_TRUE(names.contains(std::string(name) + "\n")) << name;
  }
}

TEST_F(DaemonTest, TellsSocketsApartByTheirNames) {
  const std::string other = folder_.path() + "/other.sock";
  const std::string nameless = folder_.path() + "/nameless.sock";
  const mta::GatemilterProcess daemon(
      {.dir = folder_.path(),
       .milter_socket = MilterSocket(),
       .group = "",
       .policy = "set socket \"unix:" + MilterSocket() +
                 "\" as inbound\n"
                 "set socket \"unix:" +
                 other +
                 "\" as outbound\n"
                 "set socket \"unix:" +
                 nameless +
                 "\"\n"
                 "at mail { named: reject \"By {listener}\" when listener\n"
                 "other: reject \"By none\" }\n",
       .keep_sockets = true});
  ASSERT_EQ(daemon.fault(), "");
  const auto by = [](const std::string& path) {
    MtaClient mta(path);
    EXPECT_TRUE(mta.Negotiate());
    mta.Connect("x", "192.0.2.1", 1);
    mta.Connect("y", "192.0.2.2", 1);  // XCLIENT
    return mta.Mail("<a@a.example>").text;
  };
  EXPECT_EQ(by(MilterSocket()), "554 5.7.1 By inbound");
  EXPECT_EQ(by(other), "554 5.7.1 By outbound");
  EXPECT_EQ(by(nameless), "554 5.7.1 By none");
}

TEST_F(DaemonTest, AnswersPings) {
  mta::GatemilterProcess daemon(
      {.dir = folder_.path(),
       .milter_socket = MilterSocket(),
       .group = "",
       .policy = "set socket \"unix:" + MilterSocket() + "\"\n",
       .keep_sockets = true});
  ASSERT_EQ(daemon.fault(), "");
  const auto ping = [&](const std::string& control) {
    return mta::Gatemilter({"ping", "-c", daemon.policy_file(), "--control",
                            "unix:" + control, "--timeout", "10"});
  };
  const mta::Outcome well = ping(ControlSocket());
  EXPECT_EQ(well.status, 0) << well.out << well.err;
  EXPECT_THAT(well.out,
              MatchesRegex("milter unix:.*/milter.sock: answered in [0-9.]+ "
                           "ms\ncontrol socket unix:.*/control.sock: answered "
                           "in [0-9.]+ ms\n"));
  const mta::Outcome unseen = ping(folder_.path() + "/none.sock");
  EXPECT_EQ(unseen.status, 1);
  EXPECT_THAT(unseen.out, HasSubstr("/none.sock: No such file or directory"));
  EXPECT_EQ(daemon.Stop(), 0);
  const mta::Outcome away = ping(ControlSocket());
  EXPECT_EQ(away.status, 2);
  EXPECT_THAT(away.out, HasSubstr("/milter.sock: No such file or directory"));
}

TEST_F(DaemonTest, TakesAllDescriptorsThatItMayHave) {
  rlimit own = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &own), 0);
  const rlimit low = {.rlim_cur = 256, .rlim_max = own.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  mta::GatemilterProcess daemon = Start();
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &own), 0);
  ASSERT_EQ(daemon.fault(), "");
  rlimit its = {};
  ASSERT_EQ(prlimit(daemon.pid(), RLIMIT_NOFILE, nullptr, &its), 0);
  EXPECT_EQ(its.rlim_cur, own.rlim_max);
}

// Beyond what the limit has room for an MTA is told so, and what is kept is
// enough for a reload.
TEST_F(DaemonTest, ServesAsManyAsItHasDescriptorsFor) {
  mta::GatemilterProcess daemon({.dir = folder_.path(),
                                 .milter_socket = MilterSocket(),
                                 .group = getgrgid(getegid())->gr_name,
                                 .policy = kPolicy,
                                 .arguments = {"--set", "loops 2"},
                                 .by = {"prlimit", "--nofile=160:160"}});
  ASSERT_EQ(daemon.fault(), "");
  const std::string log = daemon.Log();
  std::smatch found;
  ASSERT_TRUE(std::regex_search(
      log, found,
      std::regex("warning: max-connections is 16384, but the limit of 160 "
                 "descriptors has room for ([0-9]+): one more is answered 421; "
                 "raise LimitNOFILE=.* to ([0-9]+)\n")))
      << log;
  const size_t room = std::stoul(found[1]);
  EXPECT_GT(room, 20u);
  EXPECT_GT(std::stoul(found[2]), 16384u + room);
  std::list<MtaClient> mtas;
  const auto connect = [&] {
    MtaClient& mta = mtas.emplace_back(MilterSocket());
    EXPECT_TRUE(mta.Negotiate());
    return mta.Connect("x", "203.0.113.9", 1);
  };
  for (size_t i = 0; i < room; ++i) ASSERT_EQ(connect().verdict, 'c') << i;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(connect().text,
              "421 4.3.2 Too many connections, try again later");
  }
  EXPECT_EQ(daemon.Reload().status, 0);
  EXPECT_THAT(daemon.Log(), Not(HasSubstr("Too many open files")));
}

TEST_F(DaemonTest, ReloadInstallsAGoodPolicyAndKeepsItOverABadOne) {
  mta::GatemilterProcess daemon = Start();
  ASSERT_EQ(daemon.fault(), "");
  mta::WriteFile(daemon.policy_file(),
                 std::string(kPolicy) +
                     "set user \"somebody\"\nat rcpt { second: accept }\n");
  const mta::Outcome good = daemon.Reload();
  EXPECT_EQ(good.status, 0) << good.err;
  EXPECT_THAT(good.out, HasSubstr("reloaded: 2 rules"));
  EXPECT_THAT(good.err, AllOf(HasSubstr("`set user`"), HasSubstr("restart"),
                              Not(HasSubstr("`set socket`"))));
  EXPECT_EQ(daemon.RuleCount("rcpt", "second"), 0);

  mta::WriteFile(daemon.policy_file(), "frob");
  const mta::Outcome faulty = daemon.Reload();
  EXPECT_EQ(faulty.status, 1);
  EXPECT_THAT(faulty.err, AllOf(HasSubstr("error: unknown statement `frob`"),
                                HasSubstr("the running policy stays")));

  mta::WriteFile(daemon.policy_file(),
                 "at connect { all: reject 554 5.7.1 \"No\" }\n"
                 "test \"open\" { client 192.0.2.1 expect accept }\n");
  const mta::Outcome failing = daemon.Reload();
  EXPECT_EQ(failing.status, 1);
  EXPECT_THAT(failing.err, HasSubstr("1 of 1 tests failed"));
  EXPECT_EQ(daemon.RuleCount("rcpt", "second"), 0) << "the good policy runs";
  EXPECT_EQ(daemon.RuleCount("connect", "all"), -1);
}

TEST_F(DaemonTest, SignalsReload) {
  mta::GatemilterProcess daemon = Start();
  ASSERT_EQ(daemon.fault(), "");
  const auto reloads = [&](int signal, const std::string& label) {
    mta::WriteFile(daemon.policy_file(), "at rcpt { " + label + ": accept }\n");
    daemon.Signal(signal);
    return mta::WaitUntil([&] { return daemon.RuleCount("rcpt", label) == 0; },
                          seconds(20));
  };
  EXPECT_TRUE(reloads(SIGUSR1, "first")) << daemon.Log();
  EXPECT_TRUE(reloads(SIGHUP, "second")) << daemon.Log();
}

TEST_F(DaemonTest, ReadsAListAgainWhenItsFileChangesAndKeepsItOverAFault) {
  mta::GatemilterProcess daemon = Start();
  ASSERT_EQ(daemon.fault(), "");
  const auto logs = [&](const std::string& text) {
    return mta::WaitUntil(
        [&] { return daemon.Log().find(text) != std::string::npos; },
        seconds(20));
  };
  mta::WriteFile(folder_.path() + "/blocked.networks",
                 "192.0.2.0/24\n198.51.100.0/24\n");
  EXPECT_TRUE(logs("list blocked read again: 2 entries")) << daemon.Log();
  mta::WriteFile(folder_.path() + "/blocked.networks", "nonsense\n");
  EXPECT_TRUE(logs("the old contents stay")) << daemon.Log();
  EXPECT_THAT(daemon.Log(), HasSubstr("blocked.networks:1:1: error"));
  mta::WriteFile(folder_.path() + "/blocked.networks", "192.0.2.1\n");
  EXPECT_TRUE(logs("list blocked read again: 1 entries")) << daemon.Log();
}

TEST_F(DaemonTest, DoesNotStartWithAFaultyPolicyOrWithoutASocket) {
  const std::string policy = folder_.path() + "/policy.rules";
  mta::WriteFile(policy, "frob");
  const mta::Outcome faulty = mta::Gatemilter({"serve", "-c", policy});
  EXPECT_EQ(faulty.status, 1);
  EXPECT_THAT(faulty.err,
              AllOf(HasSubstr("unknown statement"), HasSubstr("not started")));
  mta::WriteFile(policy, "at rcpt { accept }");
  const mta::Outcome no_socket = mta::Gatemilter({"serve", "-c", policy});
  EXPECT_EQ(no_socket.status, 1);
  EXPECT_THAT(no_socket.err, HasSubstr("set socket"));
}

}  // namespace
}  // namespace gate::milter
