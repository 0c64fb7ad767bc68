#include "milter/inherited_sockets.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "milter/listener.h"
#include "milter/socket_address.h"
#include "tests/mta/temp_dir.h"

namespace gate::milter {
namespace {

using ::testing::HasSubstr;

constexpr int kFirst = 300;  // the test's own descriptors are below

std::string Text(int number) { return std::to_string(number); }

// Plays the supervisor: binds sockets and tells of them in the environment.
class InheritedSocketsTest : public ::testing::Test {
 protected:
  ~InheritedSocketsTest() override {
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) {
      unsetenv(name);
    }
    for (int i = 0; i < handed_down_; ++i) close(kFirst + i);
  }

  std::string UnixAddress(const std::string& name = "gate.sock") const {
    return "unix:" + folder_.path() + "/" + name;
  }
  static rules::SocketSetting Setting(const std::string& address) {
    rules::SocketSetting setting;
    setting.address = address;
    return setting;
  }
  // Binds it, and returns its whole address.
  std::string HandDown(const std::string& address) {
    absl::StatusOr<Listener> listener = Listener::Bind(Setting(address));
    EXPECT_TRUE(listener.ok()) << listener.status();
    const int fd = listener->Release();
    EXPECT_EQ(dup2(fd, kFirst + handed_down_), kFirst + handed_down_);
    close(fd);
    const auto bound = SocketAddress::OfSocket(kFirst + handed_down_++);
    return bound->ToString();
  }
  absl::StatusOr<InheritedSockets> Take(const std::string& pid,
                                        const std::string& count) {
    setenv("LISTEN_PID", pid.c_str(), 1);
    setenv("LISTEN_FDS", count.c_str(), 1);
    setenv("LISTEN_FDNAMES", "milter", 1);
    return InheritedSockets::Take(kFirst);
  }
  absl::StatusOr<InheritedSockets> Take() {
    return Take(Text(getpid()), Text(handed_down_));
  }

  mta::TempDir folder_;
  int handed_down_ = 0;
};

TEST_F(InheritedSocketsTest, AreFoundByTheirAddress) {
  const std::string unix_address = HandDown(UnixAddress());
  const std::string inet_address = HandDown("inet:0");
  const std::string inet6_address = HandDown("inet6:0");
  auto inherited = Take();
  ASSERT_TRUE(inherited.ok()) << inherited.status();
  EXPECT_EQ(inherited->Claim(UnixAddress("other.sock")), -1);
  EXPECT_EQ(inherited->Claim(inet6_address), kFirst + 2);
  EXPECT_EQ(inherited->Claim(unix_address), kFirst);
  EXPECT_EQ(inherited->Claim(unix_address), -1) << "it has been claimed";
  const std::string port = inet_address.substr(0, inet_address.find('@'));
  EXPECT_EQ(inherited->Claim(port), kFirst + 1) << "its host left out";
  EXPECT_TRUE(inherited->CheckAllClaimed().ok());
}

TEST_F(InheritedSocketsTest, AreFoundByTheirNumber) {
  HandDown(UnixAddress());
  auto inherited = Take();
  ASSERT_TRUE(inherited.ok()) << inherited.status();
  EXPECT_EQ(inherited->Claim("fd:" + Text(kFirst)), kFirst);
  EXPECT_TRUE(inherited->CheckAllClaimed().ok());
}

TEST_F(InheritedSocketsTest, AreNotForOurChildren) {
  HandDown(UnixAddress());
  ASSERT_EQ(fcntl(kFirst, F_SETFD, 0), 0);
  auto inherited = Take();
  ASSERT_TRUE(inherited.ok()) << inherited.status();
  EXPECT_EQ(std::getenv("LISTEN_PID"), nullptr);
  EXPECT_EQ(std::getenv("LISTEN_FDS"), nullptr);
  EXPECT_EQ(std::getenv("LISTEN_FDNAMES"), nullptr);
  EXPECT_EQ(fcntl(kFirst, F_GETFD), FD_CLOEXEC);
}

TEST_F(InheritedSocketsTest, OfAnotherProcessAreLeftAlone) {
  HandDown(UnixAddress());
  auto inherited = Take(Text(getppid()), "1");
  ASSERT_TRUE(inherited.ok()) << inherited.status();
  EXPECT_EQ(inherited->Claim(UnixAddress()), -1);
  EXPECT_TRUE(inherited->CheckAllClaimed().ok());
  EXPECT_TRUE(IsListening(kFirst));
  EXPECT_EQ(std::getenv("LISTEN_FDS"), nullptr);
}

TEST_F(InheritedSocketsTest, NoneAreThereWithoutASupervisor) {
  auto inherited = InheritedSockets::Take(kFirst);
  ASSERT_TRUE(inherited.ok()) << inherited.status();
  EXPECT_TRUE(inherited->CheckAllClaimed().ok());
}

TEST_F(InheritedSocketsTest, OneThatNoSettingNamesIsAnError) {
  HandDown(UnixAddress("a.sock"));
  HandDown(UnixAddress("b.sock"));
  auto inherited = Take();
  ASSERT_TRUE(inherited.ok()) << inherited.status();
  EXPECT_EQ(inherited->Claim(UnixAddress("a.sock")), kFirst);
  EXPECT_THAT(std::string(inherited->CheckAllClaimed().message()),
              HasSubstr("write `set socket \"" + UnixAddress("b.sock")));
}

TEST_F(InheritedSocketsTest, MustBeListeningSockets) {
  const std::string pid = Text(getpid());
  EXPECT_THAT(std::string(Take(pid, "1").status().message()),
              HasSubstr("descriptor 300 is no listening stream socket"));
  EXPECT_THAT(std::string(Take(pid, "many").status().message()),
              HasSubstr("`many` is no number of sockets"));
  EXPECT_FALSE(Take(pid, "-1").ok());
  EXPECT_FALSE(Take(pid, "99999999").ok());
}

TEST_F(InheritedSocketsTest, ListenerTakesThemAsTheyAre) {
  HandDown(UnixAddress());
  const std::string path = folder_.path() + "/gate.sock";
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  auto inherited = Take();
  ASSERT_TRUE(inherited.ok()) << inherited.status();
  rules::SocketSetting setting = Setting(UnixAddress());
  setting.mode = 0666;
  setting.group = "no-such-group";
  setting.name = "inbound";
  {
    const auto listener = Listener::Open(setting, *inherited);
    ASSERT_TRUE(listener.ok()) << listener.status();
    EXPECT_EQ(listener->fd(), kFirst);
    EXPECT_EQ(listener->address(), UnixAddress());
    EXPECT_EQ(listener->name(), "inbound");
    EXPECT_TRUE(listener->inherited());
  }
  struct stat status = {};
  ASSERT_EQ(stat(path.c_str(), &status), 0) << "its path stays";
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

TEST_F(InheritedSocketsTest, ListenerBindsWhatWasNotHandedDown) {
  auto inherited = Take();
  ASSERT_TRUE(inherited.ok()) << inherited.status();
  const auto listener = Listener::Open(Setting(UnixAddress()), *inherited);
  ASSERT_TRUE(listener.ok()) << listener.status();
  EXPECT_FALSE(listener->inherited());
}

}  // namespace
}  // namespace gate::milter
