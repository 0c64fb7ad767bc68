// The real binary on sockets that a supervisor (the test) has bound.
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <deque>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/milter/mta_client.h"
#include "tests/mta/gatemilter_process.h"
#include "tests/mta/supervisor_socket.h"
#include "tests/mta/temp_dir.h"

namespace gate::milter {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kPolicy = R"(
at connect { stranger: reject 554 5.7.1 "Not you" when client.ip == 192.0.2.1 }
)";

class SocketActivationTest : public testing::Test {
 protected:
  std::string Path(const std::string& name) const {
    return folder_.path() + "/" + name;
  }
  // As a .socket unit with SocketMode=0600.
  void Bind(const std::string& name) {
    sockets_.emplace_back(Path(name), 0600);
    ASSERT_GE(sockets_.back().fd(), 0);
  }
  // With a setting for "milter.sock" and one for "control.sock".
  mta::GatemilterProcess Start() const {
    std::vector<int> sockets;
    for (const auto& each : sockets_) sockets.push_back(each.fd());
    return mta::GatemilterProcess({.dir = folder_.path(),
                                   .milter_socket = Path("milter.sock"),
                                   .group = getgrgid(getegid())->gr_name,
                                   .policy = kPolicy,
                                   .sockets = sockets});
  }
  mode_t Mode(const std::string& name) const {
    struct stat status = {};
    return stat(Path(name).c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
  }

  mta::TempDir folder_;
  std::deque<mta::SupervisorSocket> sockets_;
};

TEST_F(SocketActivationTest, ServesOnTheSocketOfItsSetting) {
  Bind("milter.sock");
  mta::GatemilterProcess daemon = Start();
  ASSERT_EQ(daemon.fault(), "");
  EXPECT_THAT(daemon.Log(), HasSubstr("ready on unix:" + Path("milter.sock") +
                                      " (inherited)"));
  EXPECT_TRUE(MtaClient(Path("milter.sock")).Negotiate());
  EXPECT_EQ(Mode("milter.sock"), 0600u) << "mode and group are the unit's";
  EXPECT_EQ(daemon.Stop(), 0) << daemon.Log();
}

TEST_F(SocketActivationTest, RestartRefusesNobody) {
  Bind("milter.sock");
  {
    mta::GatemilterProcess daemon = Start();
    ASSERT_EQ(daemon.fault(), "");
    EXPECT_EQ(daemon.Stop(), 0) << daemon.Log();
  }
  MtaClient early(Path("milter.sock"));
  const mta::GatemilterProcess daemon = Start();
  ASSERT_EQ(daemon.fault(), "");
  ASSERT_TRUE(early.Negotiate()) << "it came while nobody was there";
  early.Connect("x", "192.0.2.1", 1);
  EXPECT_EQ(early.Mail("<a@a.example>").text, "554 5.7.1 Not you");
  early.Quit();
}

TEST_F(SocketActivationTest, SessionsGoOnAndTheNextOnesWaitForTheNextDaemon) {
  Bind("milter.sock");
  mta::GatemilterProcess daemon = Start();
  ASSERT_EQ(daemon.fault(), "");
  MtaClient open(Path("milter.sock"));
  ASSERT_TRUE(open.Negotiate());
  daemon.Signal(SIGTERM);
  ASSERT_TRUE(mta::WaitUntil(
      [&] { return daemon.Log().find("stopping: 1 ") != std::string::npos; },
      seconds(10)));
  open.Connect("x", "192.0.2.1", 1);
  EXPECT_EQ(open.Mail("<a@a.example>").text, "554 5.7.1 Not you");
  open.Quit();
  ASSERT_TRUE(mta::WaitUntil([&] { return !daemon.Running(); }, seconds(10)));
  MtaClient late(Path("milter.sock"));
  const mta::GatemilterProcess next = Start();
  ASSERT_EQ(next.fault(), "");
  EXPECT_TRUE(late.Negotiate());
  late.Quit();
}

TEST_F(SocketActivationTest, ControlSocketMayComeThatWay) {
  Bind("control.sock");
  Bind("milter.sock");
  mta::GatemilterProcess daemon = Start();
  ASSERT_EQ(daemon.fault(), "");
  EXPECT_EQ(daemon.RuleCount("connect", "stranger"), 0);
  EXPECT_EQ(daemon.Stop(), 0) << daemon.Log();
  EXPECT_EQ(Mode("control.sock"), 0600u) << "its path stays";
}

TEST_F(SocketActivationTest, SocketWithoutASettingIsToldAtTheStart) {
  Bind("milter.sock");
  Bind("other.sock");
  mta::GatemilterProcess daemon = Start();
  EXPECT_THAT(daemon.fault(),
              AllOf(HasSubstr("unix:" + Path("other.sock") +
                              " was handed down (LISTEN_FDS), but no setting"),
                    HasSubstr("write `set socket")));
  EXPECT_EQ(daemon.Stop(), 1);
}

}  // namespace
}  // namespace gate::milter
