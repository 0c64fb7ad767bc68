#include "milter/listener.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace gate::milter {
namespace {

using ::testing::HasSubstr;

class ListenerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "listener.XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Path() const { return folder_ + "/gate.sock"; }
  rules::SocketSetting Unix() const {
    rules::SocketSetting setting;
    setting.address = "unix:" + Path();
    return setting;
  }

  std::string folder_;
};

mode_t ModeOf(const std::string& path) {
  struct stat status = {};
  return stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

bool Connects(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  const bool ok =
      connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return ok;
}

std::string Fault(const rules::SocketSetting& setting) {
  return std::string(Listener::Bind(setting).status().message());
}

std::string FaultOf(const std::string& address) {
  rules::SocketSetting setting;
  setting.address = address;
  return Fault(setting);
}

TEST_F(ListenerTest, UnixSocketHasMode660AndAnswers) {
  const auto listener = Listener::Bind(Unix());
  ASSERT_TRUE(listener.ok()) << listener.status();
  EXPECT_EQ(ModeOf(Path()), 0660u);
  EXPECT_TRUE(Connects(Path()));
}

TEST_F(ListenerTest, ModeIsThatOfTheSettingWhateverTheUmask) {
  rules::SocketSetting setting = Unix();
  setting.mode = 0666;
  const mode_t before = umask(0777);
  const auto listener = Listener::Bind(setting);
  umask(before);
  ASSERT_TRUE(listener.ok()) << listener.status();
  EXPECT_EQ(ModeOf(Path()), 0666u);
}

TEST_F(ListenerTest, GroupIsThatOfTheSetting) {
  const group* own = getgrgid(getegid());
  ASSERT_NE(own, nullptr);
  rules::SocketSetting setting = Unix();
  setting.group = geteuid() == 0 ? "mail" : own->gr_name;
  const gid_t expected = getgrnam(setting.group.c_str())->gr_gid;
  const auto listener = Listener::Bind(setting);
  ASSERT_TRUE(listener.ok()) << listener.status();
  struct stat status = {};
  ASSERT_EQ(stat(Path().c_str(), &status), 0);
  EXPECT_EQ(status.st_gid, expected);
}

TEST_F(ListenerTest, UnknownGroupIsAnError) {
  rules::SocketSetting setting = Unix();
  setting.group = "no-such-group";
  EXPECT_THAT(Fault(setting), HasSubstr("no-such-group does not exist"));
  EXPECT_FALSE(std::filesystem::exists(Path()));
}

TEST_F(ListenerTest, RemovesItsSocketAtTheEnd) {
  { const auto listener = Listener::Bind(Unix()); }
  EXPECT_FALSE(std::filesystem::exists(Path()));
}

TEST_F(ListenerTest, LeavesASocketThatReplacedItsOwn) {
  auto first = Listener::Bind(Unix());
  ASSERT_TRUE(first.ok());
  unlink(Path().c_str());
  const auto second = Listener::Bind(Unix());
  ASSERT_TRUE(second.ok());
  { const Listener gone = *std::move(first); }
  EXPECT_TRUE(Connects(Path()));
}

TEST_F(ListenerTest, TakesOverAStaleSocket) {
  auto listener = Listener::Bind(Unix());
  ASSERT_TRUE(listener.ok());
  close(listener->Release());  // as a killed process leaves it
  ASSERT_TRUE(std::filesystem::exists(Path()));
  const auto again = Listener::Bind(Unix());
  EXPECT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(Connects(Path()));
}

TEST_F(ListenerTest, RefusesASocketSomebodyListensOn) {
  const auto first = Listener::Bind(Unix());
  ASSERT_TRUE(first.ok());
  EXPECT_THAT(Fault(Unix()), HasSubstr("another process listens there"));
  EXPECT_TRUE(Connects(Path()));
}

TEST_F(ListenerTest, RefusesAFileThatIsNoSocket) {
  std::ofstream(Path()) << "precious";
  EXPECT_THAT(Fault(Unix()), HasSubstr("a file that is no socket"));
  EXPECT_TRUE(std::filesystem::exists(Path()));
}

TEST_F(ListenerTest, FaultsProposeTheRepair) {
  struct Case {
    const char* name;
    std::string address;
    const char* text;
  };
  const Case kCases[] = {
      {.name = "no folder",
       .address = "unix:" + folder_ + "/missing/x",
       .text = "missing does not exist; create it"},
      {.name = "relative", .address = "unix:x", .text = "begin with /"},
      {.name = "long",
       .address = "unix:/" + std::string(200, 'x'),
       .text = "the path has 201 bytes, a socket's may have 107"},
      {.name = "word", .address = "tcp:1", .text = "write unix:/path"},
      {.name = "port", .address = "inet:smtp", .text = "`smtp` is no port"},
      {.name = "host",
       .address = "inet:8891@localhost",
       .text = "`localhost` is no IP address"},
      {.name = "far host",
       .address = "inet:0@192.0.2.1",
       .text = "this host does not have the address"},
      {.name = "no socket", .address = "fd:99", .text = "systemd .socket unit"},
      {.name = "no number", .address = "fd:x", .text = "hands over fd:3"},
  };
  for (const Case& c : kCases) {
    EXPECT_THAT(FaultOf(c.address), HasSubstr(c.text)) << c.name;
  }
}

TEST_F(ListenerTest, InetListensOnLoopbackByDefault) {
  rules::SocketSetting setting;
  setting.address = "inet:0";
  const auto listener = Listener::Bind(setting);
  ASSERT_TRUE(listener.ok()) << listener.status();
  sockaddr_in address = {};
  socklen_t size = sizeof address;
  ASSERT_EQ(
      getsockname(listener->fd(), reinterpret_cast<sockaddr*>(&address), &size),
      0);
  EXPECT_EQ(ntohl(address.sin_addr.s_addr), INADDR_LOOPBACK);
}

TEST_F(ListenerTest, InheritsAListeningDescriptor) {
  auto first = Listener::Bind(Unix());
  ASSERT_TRUE(first.ok());
  const int fd = first->Release();
  rules::SocketSetting setting;
  setting.address = "fd:" + std::to_string(fd);
  {
    const auto inherited = Listener::Bind(setting);
    ASSERT_TRUE(inherited.ok()) << inherited.status();
    EXPECT_EQ(inherited->fd(), fd);
  }
  EXPECT_TRUE(std::filesystem::exists(Path())) << "it bound no path";
}

TEST_F(ListenerTest, RefusesADescriptorThatDoesNotListen) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  EXPECT_THAT(FaultOf("fd:" + std::to_string(pair[0])),
              HasSubstr("no listening socket"));
  EXPECT_EQ(fcntl(pair[0], F_GETFD), 0) << "still open";
  close(pair[0]);
  close(pair[1]);
}

}  // namespace
}  // namespace gate::milter
