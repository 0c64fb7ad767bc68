// The native door's loops, each with a Redis that is late: sessions under load,
// and streams of bytes that do not keep to the protocol. Every answer is
// checked, and what Redis holds in the end.
//   GATE_SESSIONS, GATE_STREAMS: how many; GATE_SEED repeats a failure.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/escaping.h"
#include "tests/environment.h"
#include "tests/milter/dialogue_stream.h"
#include "tests/milter/generated_dialogue.h"
#include "tests/milter/native_store_fixture.h"
#include "tests/milter/spoilt_dialogue.h"

namespace gate::milter {
namespace {

using policy::Counter;

constexpr uint32_t kLoops = 4;
constexpr int kClients = 16;

// Calls it with 0 to count - 1, on several threads.
void ForEach(uint64_t count, const std::function<void(uint64_t)>& visit) {
  std::atomic<uint64_t> next = 0;
  std::vector<std::thread> clients;
  clients.reserve(kClients);
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&] {
      for (uint64_t number = next++; number < count; number = next++) {
        visit(number);
      }
    });
  }
  for (std::thread& client : clients) client.join();
}

class NativeStoreLoadTest : public NativeStoreFixture {
 protected:
  static constexpr int kMessages = 3;

  // A session of the `number`th visitor, each with an address and recipients
  // of its own; it says what was wrong.
  std::string Visit(uint64_t number, bool hang_up) {
    MtaClient mta(Path());
    if (!mta.Negotiate()) return "negotiation";
    const std::string address = "10.0." + std::to_string(number >> 8 & 255) +
                                "." + std::to_string(number & 255);
    if (mta.Connect("mx.a.example", address, 25).verdict != 'c') {
      return "connect";
    }
    for (int message = 0; message < kMessages; ++message) {
      const std::string path = "<" + std::to_string(message) + "@v" +
                               std::to_string(number) + ".example>";
      if (mta.Mail("<a@a.example>").verdict != 'c') return "mail";
      if (mta.Rcpt(path).verdict != 'c') return "first";
      if (mta.Rcpt(path).text != "451 4.7.1 Slowly: " + path) return "again";
      if (mta.EndOfMessage().verdict != 'c') return "end";
    }
    if (hang_up) {
      mta.SendBytes(MailBytes("<a@a.example>"));  // and hangs up while it waits
    } else {
      mta.Quit();
    }
    return {};
  }
};

TEST_F(NativeStoreLoadTest, FourLoopsAnswerRightAndGiveBack) {
  constexpr uint64_t kHangUp = 5;  // each fifth
  const uint64_t sessions = FromEnvironment("GATE_SESSIONS", 1000);
  redis().BeLate();
  Serve({.loops = kLoops});
  ForEach(sessions, [this](uint64_t number) {
    const bool hang_up = number % kHangUp == 0;
    EXPECT_EQ(Visit(number, hang_up), "") << "session " << number;
  });
  EXPECT_TRUE(AwaitUsed("gate:mails:", kMessages * sessions));
  EXPECT_TRUE(AwaitUsed("gate:few:", kMessages * sessions));
  Stop();
  EXPECT_TRUE(AwaitEnd()) << "no connection is left";
  EXPECT_EQ(Counted(Counter::kConnections), sessions);
  EXPECT_EQ(Counted(Counter::kFailures), 0u);
  EXPECT_EQ(Counted(Counter::kDrained), 0u);
}

// Limits are asked, but refuse nobody: no answer depends on other connections.
std::string WithShadowLimits(std::string policy) {
  for (const std::string_view rule : {"slow: defer", "much: defer"}) {
    policy.insert(policy.find(rule), "shadow ");
  }
  return policy;
}

class NativeStreamsTest : public NativeStoreFixture {
 protected:
  NativeStreamsTest() : NativeStoreFixture(WithShadowLimits(kDialoguePolicy)) {}

  static constexpr size_t kPiece = 2000;

  // Says what was wrong.
  std::string Play(uint64_t seed) {
    rules::SeededChoices choices(seed);
    const std::string bytes = SpoiltDialogue(choices);
    DialogueWorld world(rules::CompileText(WithShadowLimits(kDialoguePolicy)));
    DialogueMta reference(world);
    DialogueStream stream(world, reference);
    for (std::string_view rest = bytes; !rest.empty() && !stream.ended();) {
      const std::string_view piece = rest.substr(0, kPiece);
      std::string fault = stream.Feed(piece, /*hold=*/false);
      if (!fault.empty()) return fault;
      rest.remove_prefix(piece.size());
    }

    MtaClient mta(Path());
    const size_t largest = choices.OneIn(8) ? 50 : 20'000;
    for (std::string_view rest = bytes; !rest.empty();) {
      const std::string_view piece = rest.substr(0, 1 + choices.Below(largest));
      mta.SendBytes(piece);
      rest.remove_prefix(piece.size());
    }
    if (choices.OneIn(6)) return {};  // hangs up
    const std::string answers = mta.Read(stream.answers().size());
    if (answers != stream.answers()) {
      return "without a socket: " + absl::CEscape(stream.answers()) +
             "\nwith one: " + absl::CEscape(answers);
    }
    shutdown(mta.fd(), SHUT_WR);
    return mta.Read(1).empty() ? "" : "an answer too many";
  }
};

TEST_F(NativeStreamsTest, AreAnsweredAsWithoutASocketAndEnd) {
  const uint64_t count = FromEnvironment("GATE_STREAMS", 2000);
  const uint64_t first = FromEnvironment("GATE_SEED", 1);
  redis().BeLate();
  Serve({.loops = kLoops});
  ForEach(count, [this, first](uint64_t number) {
    EXPECT_EQ(Play(first + number), "") << "GATE_SEED=" << first + number;
  });
  MtaClient last(Path());
  EXPECT_TRUE(last.Negotiate());
  last.Quit();
  EXPECT_EQ(Counted(Counter::kIdleEnded), 0u);
  Stop();
  EXPECT_TRUE(AwaitEnd()) << "no connection is left";
  EXPECT_EQ(Counted(Counter::kFailures), 0u);
}

}  // namespace
}  // namespace gate::milter
