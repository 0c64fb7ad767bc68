#include "policy/loop_listener.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/mta/child_process.h"
#include "tests/policy/local_server.h"
#include "tests/policy/run_until.h"

namespace gate::policy {
namespace {

using Kind = LoopSocket::Kind;

// Its listener on a socket that it may share, on a thread of its own; each
// connection gets a byte and is closed.
class AcceptingLoop {
 public:
  explicit AcceptingLoop(int fd)
      : listener_(
            loop_, fd, [this](int accepted) { Greet(accepted); }, [](int) {}),
        thread_([this] { Run(); }) {}
  ~AcceptingLoop() { Stop(); }

  int accepted() const { return accepted_; }
  // How often its thread went to sleep; it has ended then.
  int64_t Stop() {
    if (!thread_.joinable()) return sleeps_;
    loop_.Stop();
    thread_.join();
    return sleeps_;
  }

 private:
  void Run() {
    loop_.Run();
    rusage usage = {};
    getrusage(RUSAGE_THREAD, &usage);
    sleeps_ = usage.ru_nvcsw;
  }
  void Greet(int fd) {
    ++accepted_;
    EXPECT_EQ(write(fd, "1", 1), 1);
    close(fd);
  }

  std::atomic<int> accepted_ = 0;
  int64_t sleeps_ = 0;
  Loop loop_;
  LoopListener listener_;
  std::thread thread_;
};

// Everything up to the end of the stream.
std::string ReadAll(int fd) {
  std::string all;
  EXPECT_TRUE(mta::WaitUntil(
      [&] {
        std::array<char, 16> bytes;
        ssize_t size = 0;
        while ((size = read(fd, bytes.data(), bytes.size())) > 0) {
          all.append(bytes.data(), static_cast<size_t>(size));
        }
        return size == 0;
      },
      std::chrono::seconds(10)));
  return all;
}

class LoopListenerTest : public testing::TestWithParam<Kind> {
 protected:
  LocalServer server_{GetParam()};
};

TEST_P(LoopListenerTest, EachConnectionIsAcceptedOnce) {
  constexpr int kConnections = 200;
  const AcceptingLoop one(server_.fd());
  const AcceptingLoop other(server_.fd());
  std::vector<int> clients;
  for (int i = 0; i < kConnections; ++i) clients.push_back(server_.Connect());
  for (const int client : clients) {
    EXPECT_EQ(ReadAll(client), "1");
    close(client);
  }
  EXPECT_EQ(one.accepted() + other.accepted(), kConnections);
}

// A thread that is woken in vain goes to sleep again within the system. That
// both sleep when the next connection comes is likely, not certain: on a busy
// machine one of them may be late, so the best of some rounds counts.
TEST_P(LoopListenerTest, OneConnectionWakesOneLoop) {
  constexpr int kConnections = 100;
  long fewest = 2 * kConnections;
  for (int round = 0; round < 10 && fewest >= kConnections * 3 / 2; ++round) {
    AcceptingLoop one(server_.fd());
    AcceptingLoop other(server_.fd());
    for (int i = 0; i < kConnections; ++i) {
      const int client = server_.Connect();
      EXPECT_EQ(ReadAll(client), "1");
      close(client);
    }
    fewest = std::min(fewest, one.Stop() + other.Stop());
  }
  EXPECT_LT(fewest, kConnections * 3 / 2);
}

// On the test's own thread.
class OneListenerTest : public LoopListenerTest {
 protected:
  ~OneListenerTest() override {
    for (const int fd : accepted_) close(fd);
    for (const int fd : clients_) close(fd);
  }

  void Connect() { clients_.push_back(server_.Connect()); }
  bool RunUntilAccepted(size_t count) {
    return RunUntil(loop_, [this, count] { return accepted_.size() == count; });
  }
  // Some turns of the loop, for what must not happen in them.
  void RunTurns() {
    int turns = 0;
    EXPECT_TRUE(RunUntil(loop_, [&turns] { return ++turns > 20; }));
  }

  Loop loop_;
  std::vector<int> accepted_;
  std::vector<int> errors_;
  LoopListener listener_{loop_, server_.fd(),
                         [this](int fd) { accepted_.push_back(fd); },
                         [this](int error) { errors_.push_back(error); }};

 private:
  std::vector<int> clients_;
};

TEST_P(OneListenerTest, PausedItAcceptsNothing) {
  Connect();
  EXPECT_TRUE(RunUntilAccepted(1));
  listener_.Pause();
  EXPECT_TRUE(listener_.paused());
  Connect();
  RunTurns();
  EXPECT_EQ(accepted_.size(), 1u);
  listener_.Resume();
  EXPECT_TRUE(RunUntilAccepted(2)) << "it had come before";
  Connect();
  EXPECT_TRUE(RunUntilAccepted(3));
}

TEST_P(OneListenerTest, MayBePausedByWhatItAccepts) {
  for (int i = 0; i < 40; ++i) Connect();
  EXPECT_TRUE(RunUntil(loop_, [this] {
    if (accepted_.size() >= 5) listener_.Pause();
    return listener_.paused();
  }));
  const size_t before = accepted_.size();
  EXPECT_LT(before, 40u);
  RunTurns();
  EXPECT_EQ(accepted_.size(), before);
  listener_.Resume();
  EXPECT_TRUE(RunUntilAccepted(40));
}

TEST_P(OneListenerTest, WithoutDescriptorsItPausesAndTells) {
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  Connect();
  const int next = dup(0);
  close(next);
  const rlimit none = {.rlim_cur = static_cast<rlim_t>(next),
                       .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_TRUE(RunUntil(loop_, [this] { return listener_.paused(); }));
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_THAT(errors_, testing::ElementsAre(EMFILE));
  listener_.Resume();
  EXPECT_TRUE(RunUntilAccepted(1)) << "it was left in the queue";
  EXPECT_EQ(errors_.size(), 1u);
}

std::string KindName(const testing::TestParamInfo<Kind>& kind) {
  return kind.param == Kind::kUnix ? "Unix" : "Tcp";
}

INSTANTIATE_TEST_SUITE_P(Kinds, LoopListenerTest,
                         testing::Values(Kind::kUnix, Kind::kTcp), KindName);
INSTANTIATE_TEST_SUITE_P(Kinds, OneListenerTest,
                         testing::Values(Kind::kUnix, Kind::kTcp), KindName);

}  // namespace
}  // namespace gate::policy
