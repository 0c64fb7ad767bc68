// What limits in Redis cost: latency of one event, Redis's CPU, throughput.
// Each figure is a ratio to a floor measured in the same run; Redis has a core
// of its own, everything else the other one.

#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "gtest/gtest.h"
#include "policy/redis_reader.h"
#include "policy/redis_script.h"
#include "policy/redis_store.h"
#include "tests/milter/mta_client.h"
#include "tests/mta/gatemilter_process.h"
#include "tests/policy/redis_observer.h"
#include "tests/policy/redis_server.h"

namespace gate::policy {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kOurCore = 0;
constexpr int kRedisCore = 1;

void Pin(pid_t process, int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  EXPECT_EQ(sched_setaffinity(process, sizeof set, &set), 0);
}

rules::Limit BigLimit() {
  rules::Limit limit;
  limit.name = "big";
  limit.windows = {{.amount = 1'000'000'000,
                    .period_us = 3'600'000'000,
                    .burst = 1'000'000'000}};
  return limit;
}

void OneCharge(const rules::Limit& limit, Batch& batch) {
  batch.Clear();
  Lookup& lookup = batch.Append();
  lookup.limit = &limit;
  lookup.name = limit.name;
  lookup.subject = "192.0.2.1";
}

class MutexWaiter : public Waiter {
 public:
  void Done(Batch&) noexcept override {
    const absl::MutexLock lock(&mutex_);
    done_ = true;
  }
  void Wait() {
    const absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&done_));
    done_ = false;
  }

 private:
  absl::Mutex mutex_;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
};

// The floor: a client that sends a command and blocks for its answer.
class BlockingClient {
 public:
  explicit BlockingClient(const std::string& path)
      : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(
        connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~BlockingClient() { close(fd_); }
  BlockingClient(const BlockingClient&) = delete;
  BlockingClient& operator=(const BlockingClient&) = delete;

  const RedisReply& Ask(const std::string& command) {
    EXPECT_EQ(send(fd_, command.data(), command.size(), 0),
              static_cast<ssize_t>(command.size()));
    while (reader_.Next() == RedisReader::State::kIncomplete) {
      char bytes[4096];
      const ssize_t size = recv(fd_, bytes, sizeof bytes, 0);
      if (size <= 0) break;
      reader_.Feed({bytes, static_cast<size_t>(size)});
    }
    return reader_.reply();
  }

 private:
  int fd_;
  RedisReader reader_;
};

template <class Function>
double MedianUs(int calls, const Function& call) {
  std::vector<double> times;
  times.reserve(static_cast<size_t>(calls));
  for (int i = 0; i < calls; ++i) {
    const auto begin = Clock::now();
    call();
    times.push_back(
        std::chrono::duration<double, std::micro>(Clock::now() - begin)
            .count());
  }
  std::nth_element(times.begin(), times.begin() + calls / 2, times.end());
  return times[static_cast<size_t>(calls / 2)];
}

class RedisBench : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(redis_.fault(), "");
    Pin(redis_.pid(), kRedisCore);
    Pin(0, kOurCore);
    RedisOptions options = redis_.client();
    options.deadline_us = 1'000'000;
    store_ = std::make_unique<RedisStore>(options, observer_);
    ASSERT_TRUE(observer_.Await(1));
    ASSERT_EQ(observer_.last(), "shared");
    OneCharge(limit_, batch_);
    AppendAsk(ScriptName::kHash, batch_, command_);
  }

  // Microseconds of CPU that Redis has used.
  double RedisCpuUs() const {
    double sum = 0;
    const std::string info = redis_.Cli({"INFO", "cpu"});
    for (const std::string name : {"used_cpu_sys:", "used_cpu_user:"}) {
      sum += std::stod(info.substr(info.find(name) + name.size()));
    }
    return sum * 1e6;
  }

  RedisServer redis_;
  RecordingObserver observer_;
  std::unique_ptr<RedisStore> store_;
  const rules::Limit limit_ = BigLimit();
  Batch batch_;
  std::string command_;
};

TEST_F(RedisBench, OneConnectionCostsAtMostHalfMoreThanABlockingClient) {
  constexpr int kCalls = 20'000;
  BlockingClient client(redis_.socket());
  MutexWaiter waiter;
  const auto blocking = [&] {
    EXPECT_EQ(client.Ask(command_).kind, RedisReply::Kind::kIntegers);
  };
  const auto asking = [&] {
    store_->Submit(batch_, waiter);
    waiter.Wait();
    EXPECT_EQ(batch_[0].answer.state, AnswerState::kFits);
  };
  MedianUs(kCalls / 10, blocking);
  MedianUs(kCalls / 10, asking);
  const double floor = MedianUs(kCalls, blocking);
  const double ours = MedianUs(kCalls, asking);
  std::printf("one event, p50: blocking EVALSHA %.1f us, store %.1f us: %.2f\n",
              floor, ours, ours / floor);
  EXPECT_LE(ours / floor, 1.5);
}

TEST_F(RedisBench, EventCostsRedisNoMoreThanItsOwnBenchmark) {
  constexpr int kCalls = 200'000;
  constexpr int kThreads = 50;  // redis-benchmark's connections
  // The same call, written as redis-benchmark takes it.
  mta::Command benchmark = redis_.Program("redis-benchmark");
  for (const char* argument : {"-q", "-c", "50", "-n"}) {
    benchmark.argv.emplace_back(argument);
  }
  benchmark.argv.push_back(std::to_string(kCalls));
  for (size_t at = command_.find("\r\n") + 2; at < command_.size();) {
    const size_t begin = command_.find("\r\n", at) + 2;
    const size_t end = command_.find("\r\n", begin);
    benchmark.argv.push_back(command_.substr(begin, end - begin));
    at = end + 2;
  }
  const double before = RedisCpuUs();
  ASSERT_EQ(mta::Run(benchmark).status, 0);
  const double between = RedisCpuUs();
  {
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([this] {
        Batch batch;
        MutexWaiter waiter;
        OneCharge(limit_, batch);
        for (int n = 0; n < kCalls / kThreads; ++n) {
          store_->Submit(batch, waiter);
          waiter.Wait();
        }
      });
    }
  }
  const double after = RedisCpuUs();
  const double floor = (between - before) / kCalls;
  const double ours = (after - between) / kCalls;
  std::printf(
      "Redis's CPU an event: redis-benchmark %.2f us, ours %.2f us: "
      "%.2f\n",
      floor, ours, ours / floor);
  EXPECT_LE(ours / floor, 1.2);
}

// Events a second of 128 connections, each event one RCPT with one limit.
double EventsPerSecond(const std::string& store) {
  constexpr int kConnections = 128;
  constexpr auto kTime = std::chrono::seconds(5);
  const mta::TempDir dir;
  const std::string socket = dir.path() + "/milter.sock";
  mta::GatemilterProcess gate(
      {.dir = dir.path(),
       .milter_socket = socket,
       .group = "root",
       .policy = store +
                 "limit big 1000000000/hour per client.ip counting recipients\n"
                 "at rcpt { full: defer 451 4.7.1 \"Full\" when over big }\n"});
  EXPECT_EQ(gate.fault(), "");
  std::atomic<int64_t> events = 0;
  std::atomic<bool> stop = false;
  std::vector<std::jthread> threads;
  threads.reserve(kConnections);
  for (int i = 0; i < kConnections; ++i) {
    threads.emplace_back([&] {
      milter::MtaClient client(socket);
      EXPECT_TRUE(client.Negotiate());
      client.Connect("mx.example", "192.0.2.1", 12345);
      client.Helo("mx.example");
      client.Mail("<a@sender.example>");
      while (!stop) {
        EXPECT_EQ(client.Rcpt("<b@example.org>").verdict, 'c');
        ++events;
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::seconds(1));
  const int64_t before = events;
  const auto begin = Clock::now();
  std::this_thread::sleep_for(kTime);
  const auto counted = static_cast<double>(events - before);
  const std::chrono::duration<double> time = Clock::now() - begin;
  stop = true;
  return counted / time.count();
}

TEST_F(RedisBench, ThroughputIsAtLeastSixTenthsOfMemory) {
  const double floor = EventsPerSecond("");
  const double ours =
      EventsPerSecond("set store redis \"unix:" + redis_.socket() +
                      "\"\nset redis-deadline 1s\n");
  std::printf("128 connections: memory %.0f events/s, Redis %.0f: %.2f\n",
              floor, ours, ours / floor);
  EXPECT_GE(ours / floor, 0.6);
}

}  // namespace
}  // namespace gate::policy
