// The native door while the store lets events wait: what comes meanwhile, who
// leaves meanwhile, and how it ends.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/environment.h"
#include "tests/milter/native_store_fixture.h"
#include "tests/rules/choices.h"

namespace gate::milter {
namespace {

using policy::Counter;
using std::chrono::seconds;

constexpr char kDrained[] =
    "421 4.3.2 Service is shutting down, try again later";

std::string Slowly(const std::string& path) {
  return "451 4.7.1 Slowly: " + path;
}

class NativeStoreTest : public NativeStoreFixture {
 protected:
  // In the middle of a message, waiting for the answer to a second recipient.
  void BeginToWait(MtaClient& mta) {
    ASSERT_NO_FATAL_FAILURE(BeginMessage(mta));
    ASSERT_EQ(mta.Rcpt("<first@b.example>").verdict, 'c');
    redis().Hold();
    mta.SendBytes(RcptBytes("<second@b.example>"));
    ASSERT_TRUE(redis().AwaitWaiting(1));
  }
};

// An event that needs no store: all that came to the loop before it was seen.
void ExpectServed(MtaClient& mta) {
  mta.Send('U', "NOOP");
  EXPECT_EQ(mta.Receive().command, 'c');
}

TEST_F(NativeStoreTest, WhoHangsUpWhileItWaitsIsForgotten) {
  Serve({.loops = 1, .max_connections = 2});
  MtaClient neighbour(Path());
  ASSERT_TRUE(neighbour.Negotiate());
  std::optional<MtaClient> mta(Path());
  ASSERT_TRUE(mta->Negotiate());
  ASSERT_EQ(mta->Connect("mx.a.example", "192.0.2.1", 25000).verdict, 'c');
  redis().Hold();
  mta->SendBytes(MailBytes("<a@a.example>"));
  ASSERT_TRUE(redis().AwaitWaiting(1));
  EXPECT_EQ(redis().Used("gate:mails:a@a.example"), 1u);
  mta.reset();
  for (int i = 0; i < 3; ++i) ExpectServed(neighbour);
  const auto turned_away = [this] {
    MtaClient next(Path());
    return next.Negotiate() &&
           next.Connect("x", "192.0.2.2", 1).text.starts_with("421 ");
  };
  EXPECT_TRUE(turned_away()) << "the store still writes into the session";
  redis().Release();
  EXPECT_TRUE(AwaitUsed("gate:mails:", 0)) << "given back";
  EXPECT_TRUE(mta::WaitUntil([&] { return !turned_away(); }, seconds(10)));
  ExpectServed(neighbour);
  neighbour.Quit();
  Stop();
  EXPECT_TRUE(AwaitEnd()) << "no connection is left";
}

// Its end waits in the socket behind what is not read yet.
TEST_F(NativeStoreTest, WhoHangsUpBehindMoreThanIsKeptIsForgotten) {
  Serve({.loops = 1});
  std::optional<MtaClient> mta(Path());
  ASSERT_NO_FATAL_FAILURE(BeginToWait(*mta));
  const std::string packet = RcptBytes("<third@b.example>");
  std::string many;
  while (many.size() < 3 * kMaxPacketData) many += packet;
  send(mta->fd(), many.data(), many.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  mta.reset();
  redis().Release();
  Stop();
  EXPECT_TRUE(AwaitEnd());
}

class PacketsBehind : public NativeStoreTest {
 protected:
  static constexpr int kRecipients = 20;

  // Each recipient comes twice: every other answer tells whose it is.
  void SendAll(MtaClient& mta, size_t piece) {
    std::string bytes;
    for (int i = 0; i < kRecipients; ++i) {
      bytes += RcptBytes(Name(i)) + RcptBytes(Name(i));
    }
    bytes += Bytes({'A'}) + Bytes({'U', "NOOP"}) + Bytes({'Q'});
    for (size_t at = 0; at < bytes.size(); at += piece) {
      mta.SendBytes(std::string_view(bytes).substr(at, piece));
    }
  }
  // One answer of the store after the other, and not one too many.
  void ExpectAllInTheirOrder(MtaClient& mta) {
    for (int i = 0; i < kRecipients; ++i) {
      for (const std::string& expected : {std::string("c"), Slowly(Name(i))}) {
        ASSERT_TRUE(redis().AwaitWaiting(1)) << "one at a time";
        ASSERT_TRUE(IsSilent(mta)) << i;
        redis().AnswerOne(0);
        ASSERT_EQ(NextAnswer(mta), expected) << i;
      }
    }
    EXPECT_EQ(NextAnswer(mta), "c") << "to the command that is not known";
    EXPECT_EQ(mta.Read(1), "") << "closed after QUIT";
    EXPECT_TRUE(redis().AwaitWaiting(0));
    EXPECT_EQ(redis().Used("gate:few:"), kRecipients) << "asked once each";
  }
  void Play(size_t piece) {
    Serve({.loops = 1});
    MtaClient mta(Path());
    ASSERT_NO_FATAL_FAILURE(BeginMessage(mta));
    redis().Hold();
    SendAll(mta, piece);
    ASSERT_NO_FATAL_FAILURE(ExpectAllInTheirOrder(mta));
  }

 private:
  static std::string Name(int i) {
    return "<" + std::to_string(i) + "@b.example>";
  }
};

TEST_F(PacketsBehind, InOneWriteAreAnsweredInTheirOrder) { Play(1 << 20); }

TEST_F(PacketsBehind, InManyWritesAreAnsweredInTheirOrder) { Play(3); }

TEST_F(NativeStoreTest, MoreThanIsKeptStaysInTheSocket) {
  constexpr size_t kMost = size_t{8} << 20;  // the kernel keeps 200 KB
  Serve({.loops = 1});
  MtaClient mta(Path());
  ASSERT_NO_FATAL_FAILURE(BeginToWait(mta));
  const std::string packet = Bytes({'U', std::string(1000, 'x')});
  std::string bytes;
  while (bytes.size() < kMost) bytes += packet;
  size_t taken = 0;
  const auto stuck = [&] {
    const size_t before = taken;
    ssize_t now = 0;
    while ((now = send(mta.fd(), bytes.data() + taken, bytes.size() - taken,
                       MSG_DONTWAIT | MSG_NOSIGNAL)) > 0) {
      taken += static_cast<size_t>(now);
    }
    return taken == before;
  };
  // The door reads as fast as this writes, but not in the same moment.
  for (int quiet = 0; quiet < 20 && taken < kMost;) {
    quiet = stuck() ? quiet + 1 : 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_GT(taken, 2 * kMaxPacketData) << "a whole packet fits";
  EXPECT_LT(taken, kMost / 4);
  EXPECT_TRUE(IsSilent(mta));

  redis().Release();
  ASSERT_EQ(NextAnswer(mta), "c") << "to what waited";
  const size_t packets = taken / packet.size() + 1;
  mta.SendBytes(
      std::string_view(bytes).substr(taken, packets * packet.size() - taken));
  for (size_t i = 0; i < packets; ++i) ASSERT_EQ(NextAnswer(mta), "c") << i;
  mta.Quit();
  EXPECT_EQ(mta.Read(1), "");
}

TEST_F(NativeStoreTest, AfterTheDrainWhatWaitedIsStillDecided) {
  Serve({.loops = 1, .drain_us = 0});
  std::optional<MtaClient> witness(Path());
  ASSERT_TRUE(witness->Negotiate());
  std::optional<MtaClient> mta(Path());
  ASSERT_NO_FATAL_FAILURE(BeginToWait(*mta));
  mta->SendBytes(RcptBytes("<second@b.example>"));
  Stop();
  ASSERT_EQ(NextAnswer(*witness), kDrained) << "the drain is over";
  ASSERT_TRUE(IsSilent(*mta));
  redis().Release();
  EXPECT_EQ(NextAnswer(*mta), "c");
  EXPECT_EQ(NextAnswer(*mta), kDrained);
  EXPECT_EQ(Counted(Counter::kDrained), 2u);
  mta.reset();
  witness.reset();
  EXPECT_TRUE(AwaitEnd());
}

TEST_F(NativeStoreTest, StoppedTwiceItEndsAlthoughTheStoreIsSilent) {
  constexpr size_t kEach = 10;
  Serve({.loops = 2});
  std::deque<MtaClient> waiting;
  std::deque<MtaClient> idle;
  for (size_t i = 0; i < kEach; ++i) {
    ASSERT_NO_FATAL_FAILURE(
        BeginMessage(idle.emplace_back(Path()), "<idle@a.example>"));
    ASSERT_NO_FATAL_FAILURE(BeginMessage(waiting.emplace_back(Path())));
  }
  redis().Hold();
  for (MtaClient& mta : waiting) {
    mta.SendBytes(RcptBytes("<same@b.example>") +
                  RcptBytes("<next@b.example>"));
  }
  ASSERT_TRUE(redis().AwaitWaiting(kEach));
  waiting.pop_back();  // has gone when the answer comes
  Stop();
  ASSERT_TRUE(AwaitClosed());
  Stop();
  ASSERT_TRUE(AwaitEnd());
  End();
  // By the memory that stands in, each loop's own question.
  size_t first = 0;
  for (MtaClient& mta : waiting) {
    const std::string answer = NextAnswer(mta);
    if (answer == "c") ++first;
    EXPECT_TRUE(answer == "c" || answer == Slowly("<same@b.example>"))
        << answer;
    EXPECT_EQ(NextAnswer(mta), kDrained);
    EXPECT_EQ(mta.Read(1), "");
  }
  EXPECT_LE(first, 1u);
  for (MtaClient& mta : idle) {
    EXPECT_EQ(NextAnswer(mta), kDrained);
    EXPECT_EQ(mta.Read(1), "");
  }
  EXPECT_TRUE(AwaitUsed("gate:mails:idle@a.example", 0))
      << "what is given back reaches Redis before the loops go";
}

TEST_F(NativeStoreTest, WhoWaitsForUsIsNotSilent) {
  Serve({.loops = 1, .half_packet_us = 900'000, .idle_us = 900'000});
  MtaClient mta(Path());
  ASSERT_NO_FATAL_FAILURE(BeginToWait(mta));
  const std::string next = RcptBytes("<second@b.example>");
  mta.SendBytes(next.substr(0, 7));
  // They are silent for a shorter time.
  MtaClient idle(Path());
  ASSERT_TRUE(idle.Negotiate());
  MtaClient half(Path());
  ASSERT_TRUE(half.Negotiate());
  half.SendBytes(next.substr(0, 7));
  EXPECT_EQ(NextAnswer(idle).substr(0, 3), "421");
  EXPECT_EQ(NextAnswer(half).substr(0, 3), "421");
  EXPECT_EQ(idle.Read(1), "") << "a second later";
  EXPECT_EQ(Counted(Counter::kIdleEnded), 1u);
  EXPECT_EQ(Counted(Counter::kHalfPackets), 1u);
  EXPECT_TRUE(IsSilent(mta));
  mta.SendBytes(next.substr(7));
  redis().Release();
  EXPECT_EQ(NextAnswer(mta), "c");
  EXPECT_EQ(NextAnswer(mta), Slowly("<second@b.example>"));
}

TEST_F(NativeStoreTest, ManyWaitAndAreAnsweredInAnyOrder) {
  constexpr size_t kCount = 64;
  Serve({.loops = 4});
  std::vector<std::unique_ptr<MtaClient>> clients;
  const auto name = [](size_t i) { return std::to_string(i) + "@b.example"; };
  for (size_t i = 0; i < kCount; ++i) {
    MtaClient& mta = *clients.emplace_back(std::make_unique<MtaClient>(Path()));
    ASSERT_NO_FATAL_FAILURE(BeginMessage(mta));
    if (i % 2 == 0) continue;
    ASSERT_EQ(mta.Rcpt("<" + name(i) + ">").verdict, 'c');
  }
  redis().Hold();
  for (size_t i = 0; i < kCount; ++i) {
    clients[i]->SendBytes(RcptBytes("<" + name(i) + ">"));
  }
  ASSERT_TRUE(redis().AwaitWaiting(kCount));
  rules::SeededChoices choices(FromEnvironment("GATE_SEED", 1));
  for (size_t answered = 0; answered < kCount; ++answered) {
    const std::string key = redis().AnswerOne(choices.Below(kCount));
    const size_t i = std::stoul(key.substr(key.rfind(':') + 1));
    ASSERT_EQ(NextAnswer(*clients.at(i)),
              i % 2 == 0 ? "c" : Slowly("<" + name(i) + ">"));
  }
  for (const auto& mta : clients) EXPECT_TRUE(IsSilent(*mta));
}

}  // namespace
}  // namespace gate::milter
