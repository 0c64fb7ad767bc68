#include "policy/loop_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/policy/local_server.h"
#include "tests/policy/run_until.h"

namespace gate::policy {
namespace {

using Kind = LoopSocket::Kind;

constexpr size_t kMuch = size_t{8} << 20;  // more than the system takes

// The socket under test is the accepted side; the other side is plain.
class LoopSocketTest : public testing::TestWithParam<Kind>,
                       private LoopSocket::Handler {
 protected:
  LoopSocketTest() : other_(server_.Connect()) {
    std::signal(SIGPIPE, SIG_IGN);
    fd_ = accept4(server_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    EXPECT_GE(fd_, 0);
    EXPECT_EQ(LoopSocket::KindOf(fd_), GetParam());
    socket_.emplace(loop_, fd_, GetParam(), input_,
                    static_cast<LoopSocket::Handler&>(*this));
  }
  ~LoopSocketTest() override { CloseOther(); }

  LoopSocket& socket() { return *socket_; }
  bool RunUntil(const std::function<bool()>& condition) {
    return policy::RunUntil(loop_, condition);
  }
  // Some turns of the loop, for what must not happen in them.
  void RunTurns() {
    int turns = 0;
    EXPECT_TRUE(RunUntil([&turns] { return ++turns > 20; }));
  }

  void Say(std::string_view bytes) const {
    EXPECT_EQ(send(other_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // What has come to the other side, added to heard_; true: also the end.
  bool Hear() {
    std::array<char, 65536> bytes;
    while (true) {
      const ssize_t size = read(other_, bytes.data(), bytes.size());
      if (size <= 0) return size == 0;
      heard_.append(bytes.data(), static_cast<size_t>(size));
    }
  }
  // Of the socket under test.
  int Option(int level, int option) const {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(getsockopt(fd_, level, option, &value, &size), 0);
    return value;
  }
  void CloseOther() {
    if (other_ >= 0) close(other_);
    other_ = -1;
  }
  void DestroyIn(std::function<void()>& callback) {
    callback = [this] { socket_.reset(); };
  }

  std::string received_;
  int sent_ = 0;
  int ended_ = 0;
  std::string heard_;
  std::function<void()> on_received_ = [] {};
  std::function<void()> on_sent_ = [] {};
  std::function<void()> on_ended_ = [] {};

 private:
  void Received(std::string_view bytes) override {
    received_.append(bytes);
    on_received_();
  }
  void Sent() override {
    ++sent_;
    on_sent_();
  }
  void Ended() override {
    ++ended_;
    on_ended_();
  }

  LocalServer server_{GetParam()};
  int other_;
  int fd_ = -1;  // socket_'s
  Loop loop_;
  std::array<char, 4096> input_;
  std::optional<LoopSocket> socket_;
};

TEST_P(LoopSocketTest, TcpIsSentAtOnceAndSeesThatTheOtherHostIsGone) {
  if (GetParam() == Kind::kUnix) {
    EXPECT_EQ(Option(SOL_SOCKET, SO_KEEPALIVE), 0);
    return;
  }
  EXPECT_NE(Option(IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_NE(Option(SOL_SOCKET, SO_KEEPALIVE), 0);
  EXPECT_EQ(Option(IPPROTO_TCP, TCP_KEEPIDLE), 60);
}

TEST_P(LoopSocketTest, BytesGoBothWays) {
  Say("hello");
  EXPECT_TRUE(RunUntil([this] { return received_ == "hello"; }));
  socket().Send("good day");
  EXPECT_TRUE(socket().sent()) << "the system takes so little at once";
  EXPECT_TRUE(RunUntil([this] {
    Hear();
    return heard_ == "good day";
  }));
  EXPECT_EQ(sent_, 0) << "that nothing had to follow";
  EXPECT_EQ(ended_, 0);
}

TEST_P(LoopSocketTest, MuchFollowsByItselfAndThenSentIsTold) {
  std::string bytes(kMuch, 'x');
  socket().Send(bytes);
  EXPECT_FALSE(socket().sent());
  RunTurns();
  EXPECT_EQ(sent_, 0) << "nobody has read it";
  EXPECT_TRUE(RunUntil([this] {
    Hear();
    return sent_ > 0 && heard_.size() >= kMuch;
  }));
  EXPECT_TRUE(heard_ == bytes);
  EXPECT_TRUE(socket().sent());
  EXPECT_EQ(sent_, 1);
}

TEST_P(LoopSocketTest, WhatIsSentMeanwhileComesNextInItsOrder) {
  std::string bytes(kMuch, 'x');
  socket().Send(bytes);
  socket().Send("first");
  socket().Send("second");
  EXPECT_TRUE(RunUntil([this] {
    Hear();
    return sent_ > 0 && heard_.ends_with("second");
  }));
  EXPECT_TRUE(heard_ == bytes + "firstsecond");
  EXPECT_EQ(sent_, 1);
}

TEST_P(LoopSocketTest, PausedItReadsNothing) {
  socket().Pause();
  Say("hello");
  RunTurns();
  EXPECT_EQ(received_, "");
  socket().Resume();
  EXPECT_TRUE(RunUntil([this] { return received_ == "hello"; }));
}

TEST_P(LoopSocketTest, TellsTheEndOnceAfterTheLastBytes) {
  Say("bye");
  CloseOther();
  EXPECT_TRUE(RunUntil([this] { return ended_ > 0; }));
  EXPECT_EQ(received_, "bye");
  RunTurns();
  EXPECT_EQ(ended_, 1);
}

TEST_P(LoopSocketTest, TellsTheEndOnceAlsoWhileSending) {
  socket().Send(std::string(kMuch, 'x'));
  CloseOther();
  EXPECT_TRUE(RunUntil([this] { return ended_ > 0; }));
  RunTurns();
  EXPECT_EQ(ended_, 1);
  EXPECT_EQ(sent_, 0);
}

TEST_P(LoopSocketTest, MayBeDestroyedInReceived) {
  DestroyIn(on_received_);
  Say(std::string(10'000, 'x'));  // more than it reads at once
  EXPECT_TRUE(RunUntil([this] { return !received_.empty(); }));
  RunTurns();
  EXPECT_EQ(received_.size(), 4096u);
  EXPECT_EQ(ended_, 0);
}

TEST_P(LoopSocketTest, MayBeDestroyedInSent) {
  DestroyIn(on_sent_);
  socket().Send(std::string(kMuch, 'x'));
  EXPECT_TRUE(RunUntil([this] { return Hear(); })) << "closed";
  EXPECT_EQ(heard_.size(), kMuch);
  EXPECT_EQ(sent_, 1);
}

TEST_P(LoopSocketTest, MayBeDestroyedInEnded) {
  DestroyIn(on_ended_);
  CloseOther();
  EXPECT_TRUE(RunUntil([this] { return ended_ > 0; }));
  RunTurns();
  EXPECT_EQ(ended_, 1);
}

TEST_P(LoopSocketTest, DestroyedWhileItSendsItCloses) {
  DestroyIn(on_received_);
  socket().Send(std::string(kMuch, 'x'));
  Say("hello");
  EXPECT_TRUE(RunUntil([this] { return received_ == "hello"; }));
  EXPECT_TRUE(RunUntil([this] { return Hear(); }));
  EXPECT_LT(heard_.size(), kMuch);
  EXPECT_EQ(sent_, 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, LoopSocketTest,
                         testing::Values(Kind::kUnix, Kind::kTcp),
                         [](const auto& each) {
                           return each.param == Kind::kUnix ? "Unix" : "Tcp";
                         });

}  // namespace
}  // namespace gate::policy
