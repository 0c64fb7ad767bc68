// Redis fails in every way that policy/README.md lists, while mail flows
// through a real Postfix: each limit does what its `outage` says, nothing
// waits, and limits are shared again soon after.
//
// GATE_OUTAGE_ROUNDS=N goes through all faults N times (outage.long).

#include <gmock/gmock.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>

#include "tests/mta/gate_test.h"
#include "tests/policy/redis_proxy.h"
#include "tests/policy/redis_server.h"

namespace gate::mta {
namespace {

using policy::RedisProxy;
using policy::RedisServer;
using std::chrono::seconds;

// Four loops: each with a connection to Redis of its own.
constexpr char kPolicy[] = R"(
set loops 4
limit in_memory 3/day per sender counting messages outage local
limit open      3/day per sender counting messages outage accept
limit closed    3/day per sender counting messages outage defer
limit all 1000000/min per client.network counting messages outage local
at mail {
  full_memory: defer 451 4.7.1 "Full in memory" when sender.domain == "memory.example" and over in_memory
  full_open:   defer 451 4.7.1 "Full, open" when sender.domain == "open.example" and over open
  full_closed: defer 451 4.7.1 "Full, closed" when sender.domain == "closed.example" and over closed
  full_all:    defer 451 4.7.1 "Full for all" when over all
}
)";

struct World {
  RedisServer redis;
  RedisProxy proxy{redis.socket()};
};

struct Fault {
  const char* name;
  void (*begin)(World&);
  void (*end)(World&);
};

void Pass(World& world) { world.proxy.Set(RedisProxy::Mode::kPass); }

// What is written here is what policy/README.md's table lists.
constexpr Fault kFaults[] = {
    {"killed", [](World& world) { world.redis.Stop(); },
     [](World& world) { world.redis.Start(); }},
    {"hung", [](World& world) { world.redis.Signal(SIGSTOP); },
     [](World& world) { world.redis.Signal(SIGCONT); }},
    {"memory full",
     [](World& world) {
       world.redis.Cli({"CONFIG", "SET", "maxmemory", "1"});
     },
     [](World& world) {
       world.redis.Cli({"CONFIG", "SET", "maxmemory", "0"});
     }},
    {"read-only replica",
     [](World& world) {
       world.redis.Cli({"REPLICAOF", "127.0.0.1", "1"});
     },
     [](World& world) {
       world.redis.Cli({"REPLICAOF", "NO", "ONE"});
     }},
    {"wrong password",
     [](World& world) {
       world.redis.Cli({"CONFIG", "SET", "requirepass", "other"});
       world.redis.Cli({"-a", "other", "CLIENT", "KILL", "TYPE", "normal"});
     },
     [](World& world) {
       world.redis.Cli({"-a", "other", "CONFIG", "SET", "requirepass", ""});
     }},
    {"garbage",
     [](World& world) { world.proxy.Set(RedisProxy::Mode::kGarbage); }, Pass},
    {"cut answers",
     [](World& world) { world.proxy.Set(RedisProxy::Mode::kCut); }, Pass},
    {"100 ms late",
     [](World& world) { world.proxy.Set(RedisProxy::Mode::kDelay); }, Pass},
    {"silent network",
     [](World& world) { world.proxy.Set(RedisProxy::Mode::kSilent); }, Pass},
};

// Mail that nothing may stop: rounds of smtp-source until it is told to end.
class Load {
 public:
  explicit Load(const PrivatePostfix& postfix)
      : thread_([this, &postfix] { Run(postfix); }) {}
  // How many messages were answered by anything but 2xx, in rounds.
  int End() {
    stop_ = true;
    thread_.join();
    return failed_;
  }

 private:
  void Run(const PrivatePostfix& postfix) {
    while (!stop_) {
      const Command round = postfix.Program(
          "smtp-source",
          {"-s", "8", "-m", "200", "-f", "a@sender.example", "-t",
           "user@example.org", "127.0.0.1:" + std::to_string(postfix.port())});
      if (mta::Run(round).status != 0) ++failed_;
    }
  }

  std::atomic<bool> stop_ = false;
  int failed_ = 0;
  std::thread thread_;
};

class Outage : public GateTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(world_.redis.fault(), "");
    ASSERT_NO_FATAL_FAILURE(StartGate(
        "set store redis \"127.0.0.1:" + std::to_string(world_.proxy.port()) +
            "\"\n" + kPolicy,
        {.open = true, .settings = {"local_transport=discard:"}}));
    ASSERT_TRUE(AwaitShared(true));
  }

  bool AwaitShared(bool shared) {
    return WaitUntil([&] { return gate().Shared() == shared; }, seconds(10));
  }

  // How many of five messages from this sender are admitted; the others must
  // get this reply.
  int Admitted(const std::string& sender, const std::string& refusal) const {
    SmtpClient client = Visit();
    int admitted = 0;
    for (int i = 0; i < 5; ++i) {
      const Reply reply = client.Deliver("<" + sender + ">",
                                         "<bob@example.org>", kCleanMessage);
      if (reply.code == 250) {
        ++admitted;
      } else {
        EXPECT_EQ(reply.text, refusal);
      }
    }
    return admitted;
  }

  void GoThrough(const Fault& fault) {
    SCOPED_TRACE(fault.name);
    const std::string user = "u" + std::to_string(++users_);
    constexpr char kUnavailable[] =
        "451 4.7.1 Rate limits are unavailable now, try again later";
    fault.begin(world_);
    EXPECT_TRUE(AwaitShared(false));
    EXPECT_EQ(Admitted(user + "@memory.example", "451 4.7.1 Full in memory"),
              3);
    EXPECT_EQ(Admitted(user + "@open.example", ""), 5);
    EXPECT_EQ(Admitted(user + "@closed.example", kUnavailable), 0);

    fault.end(world_);
    const auto mended = std::chrono::steady_clock::now();
    EXPECT_TRUE(AwaitShared(true));
    EXPECT_LE(std::chrono::steady_clock::now() - mended, seconds(2));
    // Others: a charge that a loop sent before it knew of the fault may still
    // have come to Redis, and counts.
    const std::string later = user + "-later";
    EXPECT_EQ(Admitted(later + "@open.example", "451 4.7.1 Full, open"), 3);
    EXPECT_EQ(Admitted(later + "@closed.example", "451 4.7.1 Full, closed"), 3);
  }

  // Of all events, those that took longer than the deadline and 50 ms.
  double ShareOfSlowEvents() {
    const auto stats = nlohmann::json::parse(gate().StatsJson());
    double all = 0;
    double slow = 0;
    for (const auto& stage : stats["latency"]["events"]) {
      for (const auto& entry : stage["durations"]) {
        const double count = entry["count"];
        all += count;
        if (entry.value("up_to_us", INT64_MAX) > 100'000) slow += count;
      }
    }
    EXPECT_GT(all, 1000);
    return slow / all;
  }

  World world_;
  int users_ = 0;
};

TEST_F(Outage, EachLimitDoesWhatItsOutageSays) {
  const char* rounds = std::getenv("GATE_OUTAGE_ROUNDS");
  Load load(postfix());
  for (int i = 0; i < (rounds == nullptr ? 1 : std::atoi(rounds)); ++i) {
    for (const Fault& fault : kFaults) GoThrough(fault);
  }
  EXPECT_EQ(load.End(), 0);
  // Sanitizers make everything slow.
  if (std::string_view(GATE_SANITIZER).empty()) {
    EXPECT_LE(ShareOfSlowEvents(), 0.001);
  }
  EXPECT_EQ(gate().Count("failures"), 0);
  EXPECT_GT(gate().Count("outage_local"), 0);
  EXPECT_GT(gate().Count("outage_accept"), 0);
  EXPECT_GT(gate().Count("outage_defer"), 0);
  EXPECT_EQ(StopGate(), 0) << "a sanitizer's report, too, is not 0";
}

}  // namespace
}  // namespace gate::mta
