// The real binary and its journal: killed under load, and on a disk that is
// full or read-only. Needs root: it mounts a small tmpfs of its own.
#include <gmock/gmock.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/milter/mta_client.h"
#include "tests/mta/gatemilter_process.h"
#include "tests/mta/temp_dir.h"

namespace gate::milter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Refusal {
  std::string reference;
  steady_clock::time_point at;
};

// How much later than they should threads run on this machine: what the test
// itself suffers is not the filter's doing.
class Lateness {
 public:
  Lateness() : thread_([this] { Measure(); }) {}
  ~Lateness() { Stop(); }
  steady_clock::duration Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return longest_;
  }

 private:
  void Measure() {
    while (!stop_) {
      const auto due = steady_clock::now() + milliseconds(2);
      std::this_thread::sleep_until(due);
      longest_ = std::max(longest_, steady_clock::now() - due);
    }
  }
  std::atomic<bool> stop_ = false;
  steady_clock::duration longest_{};
  std::thread thread_;
};

// A client whose every MAIL is refused, until it is told or hung up on.
class Client {
 public:
  Client(std::string socket, const std::atomic<bool>& stop)
      : socket_(std::move(socket)), stop_(stop), thread_([this] { Run(); }) {}
  ~Client() { Join(); }
  void Join() {
    if (thread_.joinable()) thread_.join();
  }
  // After Join.
  const std::vector<Refusal>& refusals() const { return refusals_; }
  steady_clock::duration longest() const { return longest_; }

 private:
  void Run() {
    while (!stop_) {
      MtaClient mta(socket_);
      if (!mta.Negotiate()) return;
      mta.Connect("host.example", "203.0.113.9", 4711);
      mta.Helo("host.example");
      for (int i = 0; i < 20 && !stop_; ++i) {
        const auto begin = steady_clock::now();
        const MtaClient::Answer answer =
            mta.Mail("<" + std::string(100, 'a') + "@sender.example>");
        const auto end = steady_clock::now();
        if (answer.verdict != 'y') return;
        longest_ = std::max(longest_, end - begin);
        const size_t bracket = answer.text.find('[');
        ASSERT_NE(bracket, std::string::npos) << answer.text;
        refusals_.push_back({answer.text.substr(bracket + 1, 9), end});
        mta.Abort();
        std::this_thread::sleep_for(std::chrono::microseconds(500));
      }
      mta.Quit();
    }
  }

  const std::string socket_;
  const std::atomic<bool>& stop_;
  std::vector<Refusal> refusals_;
  steady_clock::duration longest_{};
  std::thread thread_;
};

class JournalDaemonTest : public testing::Test {
 protected:
  static mta::GatemilterProcess Start(const std::string& folder) {
    return mta::GatemilterProcess(
        {.dir = folder,
         .milter_socket = folder + "/milter.sock",
         .group = "",
         .policy = "set socket \"unix:" + folder + "/milter.sock\"\n" +
                   "set journal \"" + folder + "/journal\"\n" +
                   "at mail { all: reject 550 5.7.1 \"Not today\" }\n",
         .keep_sockets = true});
  }
  static mta::Outcome Why(const std::string& folder,
                          std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(),
                     {"why", "--journal", folder + "/journal"});
    return mta::Gatemilter(arguments);
  }
  // All references in a journal, as `why` tells them.
  static std::multiset<std::string> References(const std::string& folder) {
    const mta::Outcome outcome = Why(folder, {"--last", "1000000", "--json"});
    const auto found = nlohmann::json::parse(outcome.out, nullptr, false);
    std::multiset<std::string> references;
    if (!found.contains("records")) return references;
    for (const auto& record : found["records"]) {
      references.insert(record.value("reference", ""));
    }
    return references;
  }

  mta::TempDir folder_;
};

// One folder, killed `rounds` times at random moments.
void KillUnderLoad(const std::string& folder, int rounds, unsigned seed,
                   const std::function<mta::GatemilterProcess()>& start,
                   const std::function<mta::Outcome()>& last,
                   const std::function<std::multiset<std::string>()>& kept) {
  std::mt19937 random(seed);
  std::set<std::string> given;
  for (int round = 0; round < rounds; ++round) {
    Lateness lateness;
    mta::GatemilterProcess daemon = start();
    ASSERT_EQ(daemon.fault(), "") << "round " << round;
    const std::atomic<bool> stop = false;
    Client one(folder + "/milter.sock", stop);
    Client other(folder + "/milter.sock", stop);
    std::this_thread::sleep_for(milliseconds(1050 + random() % 700));
    daemon.Signal(SIGKILL);
    const auto killed = steady_clock::now();
    one.Join();
    other.Join();
    const auto lost_since = killed - seconds(1) - lateness.Stop();
    EXPECT_EQ(daemon.Stop(), 128 + SIGKILL);

    EXPECT_EQ(last().status, 0) << "round " << round;
    const std::multiset<std::string> found = kept();
    size_t lost = 0;
    for (const Client* client : {&one, &other}) {
      EXPECT_GT(client->refusals().size(), 10U);
      for (const Refusal& refusal : client->refusals()) {
        EXPECT_TRUE(given.insert(refusal.reference).second)
            << refusal.reference << " twice, round " << round;
        if (found.count(refusal.reference) == 1) continue;
        EXPECT_EQ(found.count(refusal.reference), 0U);
        EXPECT_GE(refusal.at, lost_since)
            << (killed - refusal.at) / milliseconds(1)
            << " ms before the kill, "
            << "round " << round << ", kept " << found.size();
        ++lost;
      }
    }
    EXPECT_LT(lost, given.size());
  }
}

TEST_F(JournalDaemonTest, LosesAtMostASecondToAKillAndRepeatsNoReference) {
  constexpr int kFolders = 5;
  constexpr int kRounds = 4;
  const unsigned seed = std::random_device()();
  RecordProperty("seed", std::to_string(seed));
  // The clients run in threads of their own, the daemons are this thread's
  // children: they end with it.
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kFolders; ++i) {
    const std::string folder = folder_.path() + '/' + std::to_string(i);
    ASSERT_EQ(mkdir(folder.c_str(), 0755), 0);
    threads.emplace_back([folder, seed, i] {
      KillUnderLoad(
          folder, kRounds, seed + i, [&] { return Start(folder); },
          [&] { return Why(folder, {"--last"}); },
          [&] { return References(folder); });
    });
  }
  for (std::thread& thread : threads) thread.join();
}

class FullDiskTest : public JournalDaemonTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(unshare(CLONE_NEWNS), 0) << "needs root: " << strerror(errno);
    // The root of a chroot is no mount: then nothing may be shared at all.
    if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      ASSERT_EQ(errno, EINVAL) << strerror(errno);
      ASSERT_THAT(mta::ReadFile("/proc/self/mountinfo"),
                  Not(HasSubstr(" shared:")));
    }
    ASSERT_EQ(mkdir(Disk().c_str(), 0755), 0);
    ASSERT_EQ(mount("tmpfs", Disk().c_str(), "tmpfs", 0, "size=64k"), 0);
  }
  void TearDown() override { umount2(Disk().c_str(), MNT_DETACH); }

  std::string Disk() const { return folder_.path() + "/journal"; }
  void Remount(unsigned long flags, const char* size) const {
    ASSERT_EQ(mount("tmpfs", Disk().c_str(), "tmpfs", MS_REMOUNT | flags, size),
              0)
        << strerror(errno);
  }
  static nlohmann::json Journal(const mta::GatemilterProcess& daemon) {
    const auto stats =
        nlohmann::json::parse(daemon.StatsJson(), nullptr, false);
    return stats.is_object() ? stats.value("journal", nlohmann::json())
                             : nlohmann::json();
  }
  // Until the journal's fault has this in it; empty: none.
  static bool AwaitFault(const mta::GatemilterProcess& daemon,
                         const std::string& what) {
    return mta::WaitUntil(
        [&] {
          const nlohmann::json journal = Journal(daemon);
          if (!journal.is_object()) return false;
          const std::string fault = journal.value("fault", "none");
          return what.empty() ? fault.empty()
                              : fault.find(what) != std::string::npos;
        },
        seconds(60));
  }
};

TEST_F(FullDiskTest, CostsNoEventItsTimeAndIsToldAndMended) {
  mta::GatemilterProcess daemon = Start(folder_.path());
  ASSERT_EQ(daemon.fault(), "");
  std::atomic<bool> stop = false;
  Lateness lateness;
  Client one(folder_.path() + "/milter.sock", stop);
  Client other(folder_.path() + "/milter.sock", stop);
  EXPECT_TRUE(AwaitFault(daemon, "No space left on device"));
  EXPECT_THAT(
      daemon.Log(),
      AllOf(HasSubstr("No space left on device; decisions are not kept"),
            Not(HasSubstr("kept again"))));
  EXPECT_TRUE(mta::WaitUntil(
      [&] { return Journal(daemon).value("dropped", 0) > 100; }, seconds(60)));

  Remount(MS_RDONLY, "size=64m");
  EXPECT_TRUE(AwaitFault(daemon, "Read-only file system"));
  const int64_t dropped = Journal(daemon).value("dropped", 0);
  EXPECT_TRUE(mta::WaitUntil(
      [&] { return Journal(daemon).value("dropped", 0) > dropped; },
      seconds(60)));

  Remount(0, "size=64m");
  EXPECT_TRUE(AwaitFault(daemon, "")) << Journal(daemon);
  EXPECT_THAT(daemon.Log(), HasSubstr("decisions are kept again; "));
  stop = true;
  one.Join();
  other.Join();
  const auto late = 2 * lateness.Stop();  // an event is two wake-ups
  // Sanitizers make everything slow.
  if (std::string_view(GATE_SANITIZER).empty()) {
    EXPECT_LT(std::max(one.longest(), other.longest()), milliseconds(50) + late)
        << "this machine: " << late / milliseconds(1) << " ms";
  }
  ASSERT_FALSE(one.refusals().empty());
  const std::string newest = one.refusals().back().reference;
  EXPECT_TRUE(mta::WaitUntil(
      [&] { return Why(folder_.path(), {newest}).status == 0; }, seconds(30)));
  EXPECT_EQ(daemon.Stop(), 0) << daemon.Log();
  // What was not dropped is there, once.
  const std::multiset<std::string> kept = References(folder_.path());
  size_t found = 0;
  for (const Client* client : {&one, &other}) {
    for (const Refusal& refusal : client->refusals()) {
      ASSERT_LE(kept.count(refusal.reference), 1U);
      found += kept.count(refusal.reference);
    }
  }
  EXPECT_GT(found, 0U);
  EXPECT_EQ(found, kept.size());
}

}  // namespace
}  // namespace gate::milter
