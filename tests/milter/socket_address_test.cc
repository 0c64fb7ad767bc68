#include "milter/socket_address.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace gate::milter {
namespace {

TEST(SocketAddress, HasOneSpelling) {
  struct Case {
    const char* written;
    const char* text;
  };
  constexpr Case kCases[] = {
      {.written = "unix:/run/gate.sock", .text = "unix:/run/gate.sock"},
      {.written = "inet:8891", .text = "inet:8891@127.0.0.1"},
      {.written = "inet:25@192.0.2.1", .text = "inet:25@192.0.2.1"},
      {.written = "inet6:8891", .text = "inet6:8891@::1"},
      {.written = "inet:8891@0:0::1", .text = "inet6:8891@::1"},
      {.written = "inet6:8891@::", .text = "inet6:8891@::"},
  };
  for (const Case& c : kCases) {
    const auto address = SocketAddress::Parse(c.written);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_EQ(address->ToString(), c.text);
  }
}

TEST(SocketAddress, IsReadBackFromTheSocket) {
  const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto any = SocketAddress::Parse("inet6:0");
  ASSERT_TRUE(any.ok());
  ASSERT_EQ(bind(fd, any->get(), any->size), 0);
  const auto bound = SocketAddress::OfSocket(fd);
  ASSERT_TRUE(bound.ok());
  const auto again = SocketAddress::Parse(bound->ToString());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->ToString(), bound->ToString());
  EXPECT_NE(again->ToString(), any->ToString()) << "the kernel chose a port";
  close(fd);
}

TEST(SocketAddress, OfASocketWithoutPathIsNoSetting) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const auto address = SocketAddress::OfSocket(pair[0]);
  ASSERT_TRUE(address.ok());
  EXPECT_EQ(address->ToString(), "unix:");
  EXPECT_FALSE(SocketAddress::Parse(address->ToString()).ok());
  EXPECT_FALSE(IsListening(pair[0]));
  close(pair[0]);
  close(pair[1]);
  EXPECT_FALSE(SocketAddress::OfSocket(pair[0]).ok());
}

}  // namespace
}  // namespace gate::milter
