// The native door within the test's process: what of it is about time, numbers
// of connections and its end. What it answers is in door_test.cc.
#include "milter/native_door.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/milter/mta_client.h"
#include "tests/milter/mta_packets.h"
#include "tests/milter/native_door_fixture.h"

namespace gate::milter {
namespace {

using policy::Counter;
using std::chrono::milliseconds;
using std::chrono::seconds;
using SteadyClock = std::chrono::steady_clock;

constexpr char kPolicy[] = R"(
at helo { liar: reject 550 5.7.1 "Not your name" when helo == "liar" }
at rcpt {
  named: reject 550 5.7.1 "By {listener}" when rcpt.domain == "listener.example"
  other: reject 550 5.7.1 "Not here" when rcpt.domain != "b.example"
}
at message { seen: add header "X-Seen" "yes" }
)";

class NativeDoorTest : public NativeDoorFixture {
 protected:
  NativeDoorTest() : NativeDoorFixture(kPolicy) {}
};

// Threads of this process that are loops.
size_t CountLoopThreads() {
  size_t count = 0;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream in(task.path() / "comm");
    std::string name;
    std::getline(in, name);
    if (name.starts_with("loop ")) ++count;
  }
  return count;
}

// What this thread may run on; put back by its destructor.
class Processors {
 public:
  Processors() {
    CPU_ZERO(&all_);
    sched_getaffinity(0, sizeof all_, &all_);
  }
  ~Processors() { sched_setaffinity(0, sizeof all_, &all_); }
  Processors(const Processors&) = delete;
  Processors& operator=(const Processors&) = delete;

  size_t count() const { return static_cast<size_t>(CPU_COUNT(&all_)); }
  // Keeps the first `kept` of them.
  void Keep(size_t kept) const {
    cpu_set_t some;
    CPU_ZERO(&some);
    for (size_t i = 0; i < CPU_SETSIZE && kept > 0; ++i) {
      if (!CPU_ISSET(i, &all_)) continue;
      CPU_SET(i, &some);
      --kept;
    }
    ASSERT_EQ(sched_setaffinity(0, sizeof some, &some), 0);
  }

 private:
  cpu_set_t all_;
};

TEST_F(NativeDoorTest, AutoIsALoopForEachProcessor) {
  const Processors processors;
  Serve({.loops = 0});
  EXPECT_TRUE(mta::WaitUntil(
      [&] { return CountLoopThreads() == processors.count(); }, seconds(10)));
}

TEST_F(NativeDoorTest, AutoIsOneLoopWhereOneProcessorMayBeUsed) {
  const Processors processors;
  ASSERT_NO_FATAL_FAILURE(processors.Keep(1));
  Serve({.loops = 0});
  EXPECT_TRUE(
      mta::WaitUntil([&] { return CountLoopThreads() > 0; }, seconds(10)));
  // A second one would be there by now.
  std::this_thread::sleep_for(milliseconds(200));
  EXPECT_EQ(CountLoopThreads(), 1u);
}

TEST_F(NativeDoorTest, DrainLetsASessionEndItsMessage) {
  Serve({.loops = 2});
  MtaClient mta(Path());
  ASSERT_NO_FATAL_FAILURE(BeginMessage(mta));
  Stop();
  ASSERT_TRUE(AwaitClosed());
  EXPECT_EQ(mta.Rcpt("<x@c.example>").text, "550 5.7.1 Not here");
  EXPECT_EQ(mta.Rcpt("<b@b.example>").verdict, 'c');
  const MtaClient::Answer answer = mta.EndOfMessage();
  EXPECT_EQ(answer.verdict, 'c');
  EXPECT_EQ(answer.changes.size(), 1u);
  EXPECT_FALSE(ended());
  mta.Quit();
  EXPECT_TRUE(AwaitEnd());
  EXPECT_EQ(Counted(Counter::kDrained), 0u);
}

TEST_F(NativeDoorTest, NewConnectionsWaitWhileItDrains) {
  Serve({.loops = 2});
  MtaClient open(Path());
  ASSERT_NO_FATAL_FAILURE(BeginMessage(open));
  Stop();
  ASSERT_TRUE(AwaitClosed());
  MtaClient late(Path());
  open.Quit();
  ASSERT_TRUE(AwaitEnd());
  const int waiting = accept(ListeningFd(), nullptr, nullptr);
  EXPECT_GE(waiting, 0) << "it is left to the next door";
  close(waiting);
}

TEST_F(NativeDoorTest, AfterTheDrainTheNextEventIsAnswered421) {
  Serve({.loops = 2, .drain_us = 0});
  MtaClient mta(Path());
  ASSERT_NO_FATAL_FAILURE(BeginMessage(mta));
  MtaClient fresh(Path());
  ASSERT_TRUE(fresh.Negotiate());
  Stop();
  ASSERT_TRUE(AwaitClosed());
  constexpr char kFarewell[] =
      "421 4.3.2 Service is shutting down, try again later";
  EXPECT_EQ(mta.Rcpt("<b@b.example>").text, kFarewell);
  EXPECT_EQ(fresh.Connect("x", "192.0.2.1", 1).text, kFarewell);
  EXPECT_EQ(Counted(Counter::kDrained), 2u);
  mta.Quit();
  fresh.Quit();
}

// To an MTA that negotiates a 421 is no answer: it would decide on its own.
TEST_F(NativeDoorTest, AfterTheDrainANegotiationIsStillAnswered) {
  Serve({.loops = 1, .drain_us = 0});
  MtaClient early(Path());
  const std::string offer = Bytes(OfferPacket());
  MtaClient half(Path());
  half.SendBytes(offer.substr(0, 7));
  MtaClient last(Path());
  ASSERT_NO_FATAL_FAILURE(BeginMessage(last));  // all three are accepted
  Stop();
  ASSERT_TRUE(AwaitClosed());
  ASSERT_EQ(last.Rcpt("<b@b.example>").text.substr(0, 3), "421");
  ASSERT_TRUE(early.Negotiate());
  EXPECT_EQ(early.Connect("x", "192.0.2.1", 1).text.substr(0, 3), "421");
  half.SendBytes(offer.substr(7));
  EXPECT_EQ(half.Receive().command, 'O');
  half.SendBytes(Bytes(ConnectPacket("x", "192.0.2.1", 1)));
  EXPECT_EQ(half.Receive().command, 'y');
  EXPECT_EQ(Counted(Counter::kDrained), 3u);
}

// A few seconds after the drain nobody can have an event any more.
TEST_F(NativeDoorTest, SilentSessionsDoNotOutliveTheDrain) {
  Serve({.loops = 2, .drain_us = 0});
  MtaClient mta(Path());
  ASSERT_NO_FATAL_FAILURE(BeginMessage(mta));
  Stop();
  EXPECT_TRUE(AwaitEnd());
}

TEST_F(NativeDoorTest, WithoutConnectionsItEndsAtOnce) {
  Serve({.loops = 4});
  Stop();
  EXPECT_TRUE(AwaitEnd());
}

TEST_F(NativeDoorTest, StoppedTwiceItEndsAtOnce) {
  Serve({.loops = 2});
  MtaClient mta(Path());
  ASSERT_NO_FATAL_FAILURE(BeginMessage(mta));
  Stop();
  ASSERT_TRUE(AwaitClosed());
  EXPECT_FALSE(ended());
  Stop();
  EXPECT_TRUE(AwaitEnd());
}

TEST_F(NativeDoorTest, BeyondMaxConnectionsTheNextIsAnswered421) {
  Serve({.loops = 2, .max_connections = 2});
  std::optional<MtaClient> first(Path());
  ASSERT_NO_FATAL_FAILURE(BeginMessage(*first));
  MtaClient second(Path());
  ASSERT_NO_FATAL_FAILURE(BeginMessage(second));
  {
    MtaClient third(Path());
    ASSERT_TRUE(third.Negotiate());
    const MtaClient::Answer answer = third.Connect("x", "192.0.2.1", 1);
    EXPECT_EQ(answer.text, "421 4.3.2 Too many connections, try again later");
    EXPECT_EQ(Counted(Counter::kTurnedAway), 1u);
  }
  EXPECT_EQ(second.Rcpt("<b@b.example>").verdict, 'c') << "goes on";
  first.reset();
  const auto served = [this] {
    MtaClient next(Path());
    return next.Negotiate() && next.Connect("x", "192.0.2.1", 1).verdict == 'c';
  };
  EXPECT_TRUE(mta::WaitUntil(served, seconds(10))) << "the place is free again";
}

bool IsConnected(int fd) {
  sockaddr_storage peer = {};
  socklen_t size = sizeof peer;
  return getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
}

// The connections that each event loop of this process waits for, as the
// kernel tells them (proc(5), fdinfo).
std::vector<size_t> ConnectionsOfLoops() {
  std::vector<size_t> counts;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    const auto target = std::filesystem::read_symlink(entry, error);
    if (target != "anon_inode:[eventpoll]") continue;
    std::ifstream info("/proc/self/fdinfo/" + entry.path().filename().string());
    size_t connections = 0;
    for (std::string word; info >> word;) {
      int fd = -1;
      if (word == "tfd:" && info >> fd && IsConnected(fd)) ++connections;
    }
    counts.push_back(connections);
  }
  return counts;
}

TEST_F(NativeDoorTest, LoopsShareTheConnections) {
  constexpr size_t kLoops = 4;
  // Without sharing, the system gives nearly all of so many to one loop.
  constexpr size_t kConnections = 256;
  Serve({.loops = kLoops});
  std::deque<MtaClient> clients;
  for (size_t i = 0; i < kConnections; ++i) {
    ASSERT_TRUE(clients.emplace_back(Path()).Negotiate()) << i;
  }
  const std::vector<size_t> counts = ConnectionsOfLoops();
  ASSERT_EQ(counts.size(), kLoops);
  size_t sum = 0;
  for (const size_t count : counts) {
    sum += count;
    EXPECT_LT(count, 2 * kConnections / kLoops);
  }
  EXPECT_EQ(sum, kConnections);
}

TEST_F(NativeDoorTest, SilentConnectionsEndWith421) {
  Serve({.loops = 1, .half_packet_us = 100'000, .idle_us = 300'000});
  MtaClient mta(Path());
  ASSERT_NO_FATAL_FAILURE(BeginMessage(mta));
  const MtaClient::Packet farewell = mta.Receive();
  EXPECT_EQ(farewell.command, 'y');
  EXPECT_EQ(farewell.data.substr(0, 3), "421");
  EXPECT_EQ(mta.Read(1), "") << "who does not close then is closed";
  EXPECT_EQ(Counted(Counter::kIdleEnded), 1u);
}

TEST_F(NativeDoorTest, BusyConnectionsAreNotSilent) {
  Serve({.loops = 1, .idle_us = 2'000'000});
  MtaClient mta(Path());
  ASSERT_NO_FATAL_FAILURE(BeginMessage(mta));
  const auto refused = [&mta] {
    return mta.Rcpt("<b@b.example>").verdict != 'c';
  };
  EXPECT_FALSE(mta::WaitUntil(refused, seconds(4)));
  EXPECT_EQ(Counted(Counter::kIdleEnded), 0u);
}

TEST_F(NativeDoorTest, SocketsHaveTheirNames) {
  Serve({.loops = 2}, {"unix:" + Path("a"), "unix:" + Path("b")});
  for (const auto& [path, name] : {std::pair("a", "name0"), {"b", "name1"}}) {
    MtaClient mta(Path(path));
    ASSERT_NO_FATAL_FAILURE(BeginMessage(mta));
    EXPECT_EQ(mta.Rcpt("<b@listener.example>").text,
              std::string("550 5.7.1 By ") + name);
  }
}

// An MTA that leaves TCP_NODELAY alone and writes macros and command apart
// (Sendmail) waits for an acknowledgement in between: 40 ms, if it comes late.
TEST_F(NativeDoorTest, TwoWritesOverTcpAreAnsweredAtOnce) {
  Serve({.loops = 1}, {"inet:0@127.0.0.1"});
  const auto address = SocketAddress::OfSocket(ListeningFd());
  ASSERT_TRUE(address.ok());
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(fd, address->get(), address->size), 0);
  MtaClient mta(fd);
  ASSERT_NO_FATAL_FAILURE(BeginMessage(mta));
  std::vector<SteadyClock::duration> waits;
  // The system acknowledges the first dozen at once on its own.
  for (int i = 0; i < 101; ++i) {
    const auto begin = SteadyClock::now();
    mta.SendMacros('R', {{"{rcpt_addr}", "b@b.example"}});
    ASSERT_EQ(mta.Rcpt("<b@b.example>").verdict, 'c');
    waits.push_back(SteadyClock::now() - begin);
  }
  const auto median = waits.begin() + 50;
  std::ranges::nth_element(waits, median);
  EXPECT_LT(*median, milliseconds(10));
}

}  // namespace
}  // namespace gate::milter
