// The native door over its socket, and MTAs that do not keep to the protocol:
// each connection ends or goes on as it should, a counter says why, descriptors
// and memory return to their level, and a neighbour is served meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "milter/listener.h"
#include "milter/native_door.h"
#include "milter/native_peer.h"
#include "policy/clock.h"
#include "tests/allocations.h"
#include "tests/memory_in_use.h"
#include "tests/milter/mta_client.h"
#include "tests/milter/mta_packets.h"
#include "tests/mta/child_process.h"
#include "tests/mta/temp_dir.h"
#include "tests/rules/policy_text.h"

namespace gate::milter {
namespace {

using policy::Counter;
using std::string_literals::operator""s;
using ::testing::StartsWith;

constexpr char kPolicy[] = R"(
  at rcpt { relay: reject 554 5.7.1 "Not here" when rcpt.domain != "b.example" }
  at message {
    tag: add header "X-Gate" "yes" when header["Subject"] == "x"
    casino: reject when body ~ /casino/
  }
)";

constexpr int64_t kSecondUs = 1'000'000;

constexpr uint32_t kLoops = 2;

// Clients and the door are one process.
void AllowManyDescriptors() {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

size_t Descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

// A whole session, each step of which the policy asks for.
std::vector<MtaPacket> WholeSession() {
  return {OfferPacket(),
          MacrosPacket('C', {{"j", "mx.b.example"}}),
          ConnectPacket("mx.a.example", "192.0.2.1", 25000),
          TextsPacket('H', {"mx.a.example"}),
          TextsPacket('M', {"<a@a.example>", "SIZE=100"}),
          TextsPacket('R', {"<b@b.example>"}),
          {'T'},
          TextsPacket('L', {"Subject", "x"}),
          {'N'},
          {'B', "text"},
          {'E'},
          {'A'},
          {'K'},
          TextsPacket('U', {"FOO"}),
          {'Q'}};
}

class HostileTest : public ::testing::Test {
 protected:
  HostileTest() {
    std::signal(SIGPIPE, SIG_IGN);
    AllowManyDescriptors();
    engine_.Install(rules::CompileText(kPolicy));
  }

  // Serves, and takes the levels to which all is to return.
  void Serve(NativeDoorOptions options) {
    options.loops = kLoops;
    rules::SocketSetting setting;
    setting.address = "unix:" + path();
    absl::StatusOr<Listener> listener = Listener::Bind(setting);
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = std::make_unique<Listener>(*std::move(listener));
    const DoorSocket socket{.fd = listener_->fd(), .name = "test"};
    door_ = std::make_unique<NativeDoor>(
        DoorContext{engine_, stores_, statistics_, log_},
        std::vector<DoorSocket>{socket}, options, [] {});
    thread_ = std::thread([this] { EXPECT_TRUE(door_->Run().ok()); });
    neighbour_ = std::make_unique<MtaClient>(path());
    ASSERT_TRUE(neighbour_->Negotiate());
    for (int i = 0; i < 50; ++i) MtaClient(path()).Negotiate();  // warm
    ExpectNeighbourIsServed();
    descriptors_ = Descriptors();
    memory_ = MemoryInUse();
  }

  void TearDown() override {
    RefuseAllocationsFrom(0);
    if (door_ == nullptr) return;
    neighbour_.reset();
    door_->Stop();
    thread_.join();
  }

  void ExpectNeighbourIsServed() {
    EXPECT_EQ(neighbour_->Connect("n", "192.0.2.9", 1).verdict, 'c');
    EXPECT_EQ(neighbour_->Mail("<n@n.example>").verdict, 'c');
    EXPECT_EQ(neighbour_->Rcpt("<x@x.example>").text, "554 5.7.1 Not here");
    neighbour_->Abort();
    neighbour_->QuitForNewConnection();
  }

  // Once all clients but the neighbour have gone. libuv keeps a descriptor in
  // reserve for each loop, from its first connection on.
  void ExpectLevels() {
    ExpectNeighbourIsServed();
    const auto returned = [&] {
      return Descriptors() <= descriptors_ + kLoops &&
             MemoryInUse() < memory_ + (size_t{1} << 20);
    };
    EXPECT_TRUE(mta::WaitUntil(returned, std::chrono::seconds(10)))
        << Descriptors() << " descriptors, were " << descriptors_ << "; "
        << MemoryInUse() << " bytes, were " << memory_;
  }

  uint64_t Counted(Counter counter) const {
    return statistics_.Snapshot().counters[static_cast<size_t>(counter)];
  }
  std::string path() const { return folder_.path() + "/gate.sock"; }

  mta::TempDir folder_;
  policy::SystemClock clock_;
  policy::Statistics statistics_;
  Log log_{"error", statistics_};
  Stores stores_{std::nullopt, log_};
  policy::NullEventLog events_;
  policy::References references_{/*node=*/0};
  policy::Engine engine_{clock_, statistics_, events_, references_};
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<NativeDoor> door_;
  std::thread thread_;
  std::unique_ptr<MtaClient> neighbour_;
  size_t descriptors_ = 0;
  size_t memory_ = 0;
};

// The next that comes is a 421; what it says.
std::string Farewell(MtaClient& mta) {
  const MtaClient::Packet packet = mta.Receive();
  return packet.command == 'y' ? packet.data.substr(0, packet.data.find('\0'))
                               : std::string(1, packet.command);
}

TEST_F(HostileTest, EndsAThousandHalfPackets) {
  Serve({.half_packet_us = kSecondUs});
  const std::string packet = Bytes(OfferPacket());
  std::vector<std::unique_ptr<MtaClient>> slow;
  for (size_t i = 0; i < 1000; ++i) {
    slow.push_back(std::make_unique<MtaClient>(path()));
    slow.back()->SendBytes(packet.substr(0, 1 + i % (packet.size() - 1)));
    if (i % 100 == 0) ExpectNeighbourIsServed();
  }
  // One more byte now and then does not help: the time is the packet's.
  for (size_t i = 0; i < 1000; i += 20) slow[i]->SendBytes("\0"s);
  for (size_t i = 0; i < slow.size(); ++i) {
    EXPECT_THAT(Farewell(*slow[i]), StartsWith("421 4.3.2 ")) << i;
  }
  EXPECT_EQ(Counted(Counter::kHalfPackets), 1000u);
  ExpectNeighbourIsServed();
  // Who does not close is closed.
  for (const auto& mta : slow) EXPECT_EQ(mta->Read(1), "");
  slow.clear();
  ExpectLevels();
}

// Whatever share of them each loop has.
TEST_F(HostileTest, AcceptsABurstAtOnce) {
  Serve({});
  std::vector<std::unique_ptr<MtaClient>> clients;
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) {
    clients.push_back(std::make_unique<MtaClient>(path()));
    clients.back()->SendBytes(Bytes(OfferPacket()));
  }
  for (const auto& mta : clients) EXPECT_EQ(mta->Receive().command, 'O');
  // Loops that wait for their ticks take many seconds.
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(3));
  clients.clear();
  ExpectLevels();
}

TEST_F(HostileTest, EndsWhatIsTooBig) {
  Serve({});
  std::string body(size_t{1} << 20, 'x');
  for (int i = 0; i < 20; ++i) {
    MtaClient mta(path());
    if (i % 2 == 0) {
      ASSERT_TRUE(mta.Negotiate());
    }
    // The answer comes although nobody wants the rest.
    mta.SendBytes(Bytes({'B', body}));
    EXPECT_THAT(Farewell(mta), StartsWith("421 4.3.2 "));
    mta.SendBytes(body);
    ExpectNeighbourIsServed();
  }
  EXPECT_EQ(Counted(Counter::kTooBigPackets), 20u);
  std::string().swap(body);  // it counts, too
  ExpectLevels();
}

TEST_F(HostileTest, EndsWhatIsNoCommandOrMalformed) {
  Serve({});
  const std::vector<std::pair<MtaPacket, Counter>> kFaults = {
      {{'x', "?"}, Counter::kUnknownCommands},
      {{'\0', ""}, Counter::kUnknownCommands},
      {{'O', ""}, Counter::kMalformedPackets},
      {{'C', "no end"}, Counter::kMalformedPackets},
      {{'H', ""}, Counter::kMalformedPackets},
      {{'M', ""}, Counter::kMalformedPackets},
      {{'R', "no end"}, Counter::kMalformedPackets},
      {{'L', "no value\0"s}, Counter::kMalformedPackets},
      {{'D', "Codd\0"s}, Counter::kMalformedPackets},
  };
  for (const auto& [fault, why] : kFaults) {
    const uint64_t before = Counted(why);
    MtaClient mta(path());
    ASSERT_TRUE(mta.Negotiate());
    mta.SendBytes(Bytes(fault));
    EXPECT_THAT(Farewell(mta), StartsWith("421 4.3.2 ")) << fault.data;
    EXPECT_EQ(Counted(why), before + 1) << fault.data;
  }
  MtaClient empty(path());
  const uint64_t before = Counted(Counter::kMalformedPackets);
  empty.SendBytes("\0\0\0\0"s);
  EXPECT_THAT(Farewell(empty), StartsWith("421 4.3.2 "));
  EXPECT_EQ(Counted(Counter::kMalformedPackets), before + 1);
}

// Each of them is no packet that is too big.
TEST_F(HostileTest, EndsWhoSendsTooManyMacros) {
  Serve({});
  MtaClient mta(path());
  ASSERT_TRUE(mta.Negotiate());
  const std::string value(30'000, 'x');
  mta.SendMacros('C', {{"a", value}});
  mta.SendMacros('H', {{"b", value}});
  EXPECT_EQ(mta.Connect("x", "192.0.2.1", 1).verdict, 'c')
      << "those for a later command are gone now";
  mta.SendMacros('H', {{"b", value}});
  mta.SendMacros('M', {{"c", value}});
  EXPECT_THAT(Farewell(mta), StartsWith("421 4.3.2 "));
  EXPECT_EQ(Counted(Counter::kTooBigPackets), 1u);
  ExpectNeighbourIsServed();
}

TEST_F(HostileTest, LivesWithMacrosWithoutArguments) {
  Serve({});
  MtaClient mta(path());
  ASSERT_TRUE(mta.Negotiate());
  for (const char command : std::string("CHMRTNEx")) {
    mta.SendMacros(command, {});
  }
  EXPECT_EQ(mta.Connect("x", "192.0.2.1", 1).verdict, 'c');
  EXPECT_EQ(mta.Mail("<a@a.example>").verdict, 'c');
  EXPECT_EQ(mta.Rcpt("<x@x.example>").text, "554 5.7.1 Not here");
}

size_t Count(const std::vector<MtaPacket>& packets, std::string_view commands) {
  return static_cast<size_t>(
      std::ranges::count_if(packets, [&](const MtaPacket& packet) {
        return commands.find(packet.command) != std::string_view::npos;
      }));
}

// Any two commands behind each other, sent at once: each that wants an answer
// gets one, or the last answer is a 421; never silence.
TEST_F(HostileTest, LivesWithCommandsInAnyOrder) {
  Serve({});
  const std::vector<MtaPacket> packets = WholeSession();
  for (size_t first = 0; first < packets.size(); ++first) {
    for (size_t second = 0; second < packets.size(); ++second) {
      MtaClient mta(path());
      ASSERT_TRUE(mta.Negotiate());
      mta.SendBytes(Bytes(packets[first]) + Bytes(packets[second]) +
                    Bytes({'Q'}));
      std::string bytes;
      for (std::string byte = mta.Read(1); !byte.empty(); byte = mta.Read(1)) {
        bytes += byte;
      }
      const auto answers = ReadAnswer(bytes);
      ASSERT_TRUE(answers) << packets[first].command << packets[second].command;
      if (!answers->empty() && answers->back().data.starts_with("421"))
        continue;
      // Nothing is answered behind QUIT.
      const bool quits = packets[first].command == 'Q';
      EXPECT_EQ(
          Count(*answers, "Octrdsy"),
          quits ? 0 : Count({packets[first], packets[second]}, "OCHMRTNBEU"))
          << packets[first].command << packets[second].command;
    }
  }
  EXPECT_GT(Counted(Counter::kOutOfOrder), 0u);
  EXPECT_EQ(Counted(Counter::kFailures), 0u);
  EXPECT_EQ(Counted(Counter::kMalformedPackets), 0u);
  ExpectLevels();
}

TEST_F(HostileTest, LivesWithAnEndInTheMiddleOfEachCommand) {
  Serve({});
  std::string whole;
  std::vector<size_t> ends;
  for (const MtaPacket& packet : WholeSession()) {
    whole += Bytes(packet);
    ends.push_back(whole.size());
  }
  for (size_t cut = 0; cut <= whole.size(); ++cut) {
    MtaClient(path()).SendBytes(std::string_view(whole).substr(0, cut));
    if (cut % 50 == 0) ExpectNeighbourIsServed();
  }
  EXPECT_EQ(Counted(Counter::kFailures), 0u);
  EXPECT_EQ(Counted(Counter::kMalformedPackets), 0u);
  ExpectLevels();
}

TEST_F(HostileTest, TurnsAwayWhoComesWhenAllPlacesAreTaken) {
  Serve({.max_connections = 21});  // with the neighbour
  ASSERT_TRUE(mta::WaitUntil([&] { return Descriptors() <= descriptors_; },
                             std::chrono::seconds(10)));
  std::vector<std::unique_ptr<MtaClient>> clients;
  for (int i = 0; i < 30; ++i) {
    clients.push_back(std::make_unique<MtaClient>(path()));
    ASSERT_TRUE(clients.back()->Negotiate()) << i;
  }
  for (size_t i = 0; i < clients.size(); ++i) {
    const std::string text = clients[i]->Connect("x", "192.0.2.1", 1).text;
    if (i < 20) {
      EXPECT_EQ(text, "") << i;
    } else {
      EXPECT_THAT(text, StartsWith("421 4.3.2 Too many")) << i;
    }
  }
  EXPECT_EQ(Counted(Counter::kTurnedAway), 10u);
  for (size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(clients[i]->Mail("<a@a.example>").verdict, 'c');
  }
  clients.clear();
  ExpectLevels();
  MtaClient next(path());
  ASSERT_TRUE(next.Negotiate());
  EXPECT_EQ(next.Connect("x", "192.0.2.1", 1).verdict, 'c');
}

TEST_F(HostileTest, EndsWhoIsSilentForTooLong) {
  Serve({.half_packet_us = kSecondUs, .idle_us = kSecondUs});
  MtaClient mta(path());
  ASSERT_TRUE(mta.Negotiate());
  EXPECT_THAT(Farewell(mta), StartsWith("421 4.3.2 "));
  EXPECT_EQ(mta.Read(1), "") << "closed, since the MTA does not";
  EXPECT_GE(Counted(Counter::kIdleEnded), 1u);
  neighbour_ = std::make_unique<MtaClient>(path());
  ASSERT_TRUE(neighbour_->Negotiate());
  ExpectLevels();
}

// It holds one of the places, and an MTA negotiates at once.
TEST_F(HostileTest, EndsWhoNeverNegotiates) {
  Serve({.half_packet_us = 3 * kSecondUs});
  MtaClient mute(path());
  MtaClient mta(path());
  ASSERT_TRUE(mta.Negotiate());
  EXPECT_EQ(mute.Read(1), "") << "closed; nothing is said";
  EXPECT_EQ(Counted(Counter::kIdleEnded), 1u);
  EXPECT_EQ(mta.Connect("x", "192.0.2.1", 1).verdict, 'c') << "silent as long";
}

// Who asks on without reading the answers fills no memory of ours.
TEST_F(HostileTest, LivesWithAnMtaThatDoesNotRead) {
  Serve({});
  constexpr size_t kAsked = 50'000;
  MtaClient mta(path());
  ASSERT_TRUE(mta.Negotiate());
  mta.Connect("x", "192.0.2.1", 1);
  mta.Mail("<a@a.example>");
  std::thread asks([&] {
    const std::string rcpt = Bytes(TextsPacket('R', {"<x@x.example>"}));
    for (size_t i = 0; i < kAsked; ++i) mta.SendBytes(rcpt);
  });
  uint64_t counted = 0;
  const auto stuck = [&] {
    const uint64_t before =
        std::exchange(counted, Counted(Counter::kRecipients));
    return counted > 1000 && counted == before;
  };
  EXPECT_TRUE(mta::WaitUntil(stuck, std::chrono::seconds(10)));
  EXPECT_LT(counted, kAsked);
  EXPECT_LT(MemoryInUse(), memory_ + (size_t{2} << 20));
  ExpectNeighbourIsServed();
  for (size_t i = 0; i < kAsked; ++i) {
    ASSERT_EQ(mta.Receive().command, 'y') << i;
  }
  asks.join();
  mta.Quit();
  EXPECT_EQ(mta.Read(1), "");
}

// For good: it costs one of the places.
TEST_F(HostileTest, EndsAnMtaThatNeverReads) {
  Serve({.half_packet_us = kSecondUs});
  MtaClient mta(path());
  ASSERT_TRUE(mta.Negotiate());
  std::thread asks([&] {
    const std::string rcpt = Bytes(TextsPacket('R', {"<x@x.example>"}));
    for (size_t i = 0; i < 50'000; ++i) mta.SendBytes(rcpt);
  });
  EXPECT_TRUE(mta::WaitUntil([&] { return Counted(Counter::kIdleEnded) == 1; },
                             std::chrono::seconds(10)));
  asks.join();
  ExpectLevels();
}

// Half a packet, and what comes while an answer is not sent, need memory.
TEST_F(HostileTest, LivesWithoutMemoryForAConnection) {
  constexpr size_t kMuch = 20'000;
  Serve({});
  MtaClient half(path());
  ASSERT_TRUE(half.Negotiate());
  MtaClient small(path());
  ASSERT_TRUE(small.Negotiate());
  const std::string packet = Bytes({'B', std::string(3 * kMuch, 'x')});
  if (!RefuseAllocationsFrom(kMuch)) GTEST_SKIP() << "not with this sanitizer";
  half.SendBytes(std::string_view(packet).substr(0, packet.size() - 1));
  const std::string farewell = Farewell(half);
  const char verdict = small.Mail("<a@a.example>").verdict;
  RefuseAllocationsFrom(0);
  EXPECT_THAT(farewell, StartsWith("421 4.3.2 "));
  EXPECT_EQ(verdict, 'c') << "who needs little goes on";
  EXPECT_EQ(Counted(Counter::kFailures), 1u);
  half.Quit();
  ExpectNeighbourIsServed();
}

// More than there are closed ones whose memory is kept for the next.
TEST_F(HostileTest, LivesWithoutMemoryForANewConnection) {
  Serve({});
  if (!RefuseAllocationsFrom(sizeof(NativePeer))) {
    GTEST_SKIP() << "not with this sanitizer";
  }
  std::vector<std::unique_ptr<MtaClient>> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(std::make_unique<MtaClient>(path()));
  }
  const bool refused =
      mta::WaitUntil([&] { return Counted(Counter::kFailures) > 0; },
                     std::chrono::seconds(10));
  ExpectNeighbourIsServed();
  RefuseAllocationsFrom(0);
  EXPECT_TRUE(refused);
  MtaClient next(path());
  EXPECT_TRUE(next.Negotiate());
  next.Quit();
  EXPECT_EQ(next.Read(1), "");
  clients.clear();
  ExpectLevels();
}

}  // namespace
}  // namespace gate::milter
