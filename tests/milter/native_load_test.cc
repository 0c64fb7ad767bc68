// The native door's loops under load, while policies and lists change and
// statistics are read: what threads share is seen here by ThreadSanitizer
// (preset tsan). Every answer is checked.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "milter/listener.h"
#include "milter/native_door.h"
#include "policy/clock.h"
#include "tests/environment.h"
#include "tests/milter/mta_client.h"
#include "tests/mta/temp_dir.h"
#include "tests/rules/policy_text.h"

namespace gate::milter {
namespace {

using policy::Counter;

constexpr uint32_t kLoops = 4;
constexpr int kClients = 8;

// Each edition answers the same; limits and bans are shared by all loops.
std::string Policy(int edition) {
  return R"(
limit all   1000000/min per client.network counting recipients
limit three 3/hour      per client.ip      counting messages
at mail { many: defer 451 4.7.1 "Slowly" when over three }
at rcpt {
  flood: defer 451 4.7.1 "Flood" when over all
  trap:  ban client.ip for 1h when rcpt.local == "trap"
  other: reject 550 5.7.1 "Not here" when rcpt.domain != "b.example"
  never: reject 550 5.7.1 "Edition )" +
         std::to_string(edition) + R"(" when rcpt.domain == "never.example"
}
at message { seen: add header "X-Seen" "yes" }
)";
}

class NativeLoadTest : public ::testing::Test {
 protected:
  NativeLoadTest() {
    std::signal(SIGPIPE, SIG_IGN);
    engine_.Install(rules::CompileText(Policy(0)));
    rules::SocketSetting setting;
    setting.address = "unix:" + path();
    absl::StatusOr<Listener> listener = Listener::Bind(setting);
    EXPECT_TRUE(listener.ok()) << listener.status();
    listener_ = std::make_unique<Listener>(*std::move(listener));
    const DoorSocket socket{.fd = listener_->fd(), .name = "load"};
    door_ = std::make_unique<NativeDoor>(
        DoorContext{engine_, stores_, statistics_, log_},
        std::vector<DoorSocket>{socket},
        NativeDoorOptions{.loops = kLoops, .max_connections = 1000}, [] {});
    thread_ = std::thread([this] { EXPECT_TRUE(door_->Run().ok()); });
  }
  void Stop() {
    door_->Stop();
    thread_.join();
  }

  std::string path() const { return folder_.path() + "/gate.sock"; }
  uint64_t Counted(Counter counter) const {
    return statistics_.Snapshot().counters[static_cast<size_t>(counter)];
  }

  // A session of the `number`th visitor, each with an address of its own; it
  // says what was wrong.
  std::string Visit(uint64_t number, bool hang_up) {
    MtaClient mta(path());
    if (!mta.Negotiate()) return "negotiation";
    const std::string address = "10." + std::to_string(number >> 16 & 255) +
                                "." + std::to_string(number >> 8 & 255) + "." +
                                std::to_string(number & 255);
    if (mta.Connect("mx.a.example", address, 25).verdict != 'c')
      return "connect";
    for (int message = 0; message < 4; ++message) {
      const bool over = message == 3;
      if (mta.Mail("<a@a.example>").verdict != (over ? 'y' : 'c'))
        return "mail";
      if (over) break;
      if (mta.Rcpt("<x@c.example>").text != "550 5.7.1 Not here")
        return "other";
      if (mta.Rcpt("<trap@b.example>").verdict != 'c') return "trap";
      if (hang_up) return {};  // in the middle: it is given back
      const MtaClient::Answer end = mta.EndOfMessage();
      if (end.verdict != 'c' || end.changes.size() != 1) return "end";
    }
    mta.Quit();
    return {};
  }

 private:
  mta::TempDir folder_;
  policy::SystemClock clock_;
  policy::Statistics statistics_;
  Log log_{"error", statistics_};
  Stores stores_{std::nullopt, log_};
  policy::NullEventLog events_;
  policy::References references_{/*node=*/0};

 protected:
  policy::Engine engine_{clock_, statistics_, events_, references_};

 private:
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<NativeDoor> door_;
  std::thread thread_;
};

TEST_F(NativeLoadTest, FourLoopsWithReloadsAnswerRightAndEndAtOnce) {
  const uint64_t sessions = FromEnvironment("GATE_SESSIONS", 1600);
  std::atomic<uint64_t> next = 0;
  std::atomic<int> playing = kClients;
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&] {
      for (uint64_t number = next++; number < sessions; number = next++) {
        const std::string fault = Visit(number, /*hang_up=*/number % 5 == 0);
        EXPECT_EQ(fault, "") << "session " << number;
      }
      --playing;
    });
  }
  int editions = 0;
  uint64_t seen = 0;
  while (playing > 0) {
    engine_.Install(rules::CompileText(Policy(++editions)));
    const uint64_t now = Counted(Counter::kConnections);
    EXPECT_GE(now, seen);
    seen = now;
  }
  for (std::thread& client : clients) client.join();
  Stop();
  EXPECT_GT(editions, 10);
  EXPECT_EQ(Counted(Counter::kConnections), sessions);
  EXPECT_EQ(Counted(Counter::kFailures), 0u);
  EXPECT_EQ(Counted(Counter::kDrained), 0u);
  EXPECT_TRUE(engine_.Connections().size() <= 1)
      << "sessions have ended, and let go of their policies";
}

}  // namespace
}  // namespace gate::milter
