#include "policy/recorder.h"

#include <gmock/gmock.h>

#include <chrono>
#include <future>
#include <new>
#include <thread>

#include "policy/latest_decisions.h"
#include "policy/memory_store.h"
#include "policy/top_list_sink.h"
#include "policy/top_lists.h"
#include "tests/allocations.h"
#include "tests/policy/engine_fixture.h"

namespace gate::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr char kRefuseAll[] = "at mail { all: reject 550 5.7.1 \"no\" }";

// Remembers labels and clients; may be held up.
class FakeSink : public DecisionSink {
 public:
  void Take(const DecisionRecord& record, const PolicyPointer& policy,
            std::string_view) override {
    if (hold.valid()) hold.wait();
    ++taken;
    if (fails) throw std::bad_alloc();
    const absl::MutexLock lock(&mutex);
    labels.push_back(
        policy && record.rule ? policy->rules[record.rule->value].label : "?");
  }
  bool AwaitTaken(size_t count) {
    const absl::MutexLock lock(&mutex);
    const auto enough = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
      return labels.size() >= count;
    };
    return mutex.AwaitWithTimeout(absl::Condition(&enough), absl::Seconds(10));
  }

  std::shared_future<void> hold;
  std::atomic<size_t> taken = 0;
  bool fails = false;
  absl::Mutex mutex;
  std::vector<std::string> labels ABSL_GUARDED_BY(mutex);
};

class RecorderTest : public ::testing::Test {
 protected:
  // One session: `events` MAIL commands that are refused.
  static void Visit(Engine& engine, int events) {
    MemoryStore store;
    FakeMta mta(engine, store);
    mta.Open();
    mta.Connect();
    for (int i = 0; i < events; ++i) mta.Mail();
  }
  uint64_t Dropped() const {
    return statistics.Snapshot()
        .counters[static_cast<size_t>(Counter::kRecordsDropped)];
  }

  SystemClock clock;
  Statistics statistics;
  FakeSink sink;
  LatestDecisions latest;
};

TEST_F(RecorderTest, HandsOverEveryDecisionSoon) {
  Recorder recorder(statistics, {}, {&sink});
  References references(/*node=*/0);
  Engine engine(clock, statistics, recorder, references);
  engine.Install(PolicyOf(kRefuseAll, {}));
  Visit(engine, 1);
  EXPECT_TRUE(sink.AwaitTaken(1));
  Visit(engine, 2);
  EXPECT_TRUE(sink.AwaitTaken(3));
}

TEST_F(RecorderTest, HandsOverWhatIsQueuedWhenItEnds) {
  {
    Recorder recorder(statistics, {}, {&sink});
    References references(/*node=*/0);
    Engine engine(clock, statistics, recorder, references);
    engine.Install(PolicyOf(kRefuseAll, {}));
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] { Visit(engine, 100); });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(sink.taken, 800U);
  EXPECT_EQ(Dropped(), 0U);
}

TEST_F(RecorderTest, HandsOverWhatIsQueuedWhenItIsAsked) {
  Recorder recorder(statistics, {}, {&sink});
  References references(/*node=*/0);
  Engine engine(clock, statistics, recorder, references);
  engine.Install(PolicyOf(kRefuseAll, {}));
  for (size_t i = 1; i <= 20; ++i) {
    Visit(engine, 10);
    ASSERT_TRUE(recorder.Flush(absl::Seconds(30)));
    EXPECT_EQ(sink.taken, 10 * i);
  }
  std::promise<void> release;
  sink.hold = release.get_future().share();
  Visit(engine, 1);
  EXPECT_FALSE(recorder.Flush(absl::Milliseconds(100))) << "a sink hangs";
  release.set_value();
  EXPECT_TRUE(recorder.Flush(absl::Seconds(30)));
}

TEST_F(RecorderTest, CountsWhatASinkHasNoMemoryFor) {
  FakeSink second;
  sink.fails = true;
  {
    Recorder recorder(statistics, {}, {&sink, &second});
    References references(/*node=*/0);
    Engine engine(clock, statistics, recorder, references);
    engine.Install(PolicyOf(kRefuseAll, {}));
    Visit(engine, 10);
  }
  EXPECT_EQ(sink.taken, 10U);
  EXPECT_EQ(second.taken, 10U) << "others are told all the same";
  EXPECT_EQ(
      statistics.Snapshot().counters[static_cast<size_t>(Counter::kFailures)],
      10U);
}

TEST_F(RecorderTest, KnowsTheWordsOfAPolicyThatWasReplaced) {
  {
    Recorder recorder(statistics, {}, {&sink});
    References references(/*node=*/0);
    Engine engine(clock, statistics, recorder, references);
    engine.Install(PolicyOf(kRefuseAll, {}));
    MemoryStore store;
    FakeMta mta(engine, store);
    mta.Open();
    engine.Install(PolicyOf("at mail { other: reject 550 5.7.1 \"no\" }", {}));
    mta.Connect();
    mta.Mail();
    FakeMta later(engine, store);
    later.Open();
    later.Connect();
    later.Mail();
  }
  const absl::MutexLock lock(&sink.mutex);
  EXPECT_THAT(sink.labels, ElementsAre("all", "other"));
}

TEST_F(RecorderTest, CountsWhatASlowSinkCannotTakeAndNeverWaits) {
  std::promise<void> release;
  sink.hold = release.get_future().share();
  constexpr int kEvents = 160'000;  // several times what the queue holds
  {
    Recorder recorder(statistics, {}, {&sink});
    References references(/*node=*/0);
    Engine engine(clock, statistics, recorder, references);
    engine.Install(PolicyOf(kRefuseAll, {}));
    Visit(engine, kEvents);  // would hang, if it waited
    EXPECT_GT(Dropped(), 0U);
    release.set_value();
  }
  EXPECT_EQ(sink.taken + Dropped(), static_cast<uint64_t>(kEvents));
}

// What an event does: it decides, writes its record and queues it, while the
// recorder's thread takes what is there, again and again.
TEST_F(RecorderTest, DoesNotAllocateOnTheWayOfAnEvent) {
  TopLists top_lists;
  TopListSink top_list_sink(top_lists);
  Recorder recorder(statistics, {}, {&sink, &latest, &top_list_sink});
  References references(/*node=*/0);
  Engine engine(clock, statistics, recorder, references);
  engine.Install(PolicyOf(R"(
    set journal-sample 100%
    limit pieces 1000000/hour per client.network, sender counting recipients
    at mail { shadow odd: reject 550 5.5.2 "Odd {helo}" when helo !~ /[.]org/
              seen: log "{sender}" when sender.domain == "example.net" }
    at rcpt { no: reject 554 5.7.1 "No {rcpt}" when rcpt.local == "x"
              fast: defer 451 4.7.1 "Wait" when over pieces })",
                          {}));
  MemoryStore store;
  FakeMta mta(engine, store);
  mta.Open();
  mta.Connect();
  mta.Helo();
  size_t played = 0;
  const auto play = [&] {
    mta.Mail();
    mta.Rcpt();
    mta.Rcpt("<x@example.org>");
    mta.Abort();
    played += 3;
  };
  size_t allocated = 0;
  for (int batch = 0; batch < 10; ++batch) {
    const size_t before = ThreadAllocations();
    for (int i = 0; i < 100; ++i) play();
    allocated = ThreadAllocations() - before;
    ASSERT_TRUE(sink.AwaitTaken(played)) << "or the queue is not taken from";
  }
  EXPECT_EQ(allocated, 0U);
  EXPECT_EQ(Dropped(), 0U);
}

TEST_F(RecorderTest, KeepsTheLatestForThoseWhoLookOn) {
  {
    Recorder recorder(statistics, {}, {&latest});
    References references(/*node=*/0);
    Engine engine(clock, statistics, recorder, references);
    engine.Install(PolicyOf(kRefuseAll, {}));
    Visit(engine, 10);
  }
  const auto first = latest.After(0, 6);
  ASSERT_THAT(first.decisions, SizeIs(6));
  EXPECT_EQ(first.decisions.front().number, 1U);
  EXPECT_EQ(first.next, 6U);
  EXPECT_EQ(first.missed, 0U);
  EXPECT_THAT(latest.After(first.next, 100).decisions, SizeIs(4));
  EXPECT_EQ(latest.After(first.next, 100).next, 10U);
  EXPECT_THAT(latest.After(10, 100).decisions, SizeIs(0));
  EXPECT_EQ(latest.After(10, 100).next, 10U);
  EXPECT_THAT(latest.After(4711, 100).decisions, SizeIs(10)) << "a restart";
  EXPECT_EQ(latest.Newest(3).decisions.front().number, 8U);
}

TEST_F(RecorderTest, SaysWhatALateLookerMissed) {
  constexpr size_t kAll = LatestDecisions::kKept + 5;
  for (size_t i = 0; i < kAll; ++i) latest.Take({}, nullptr, "record");
  const auto page = latest.After(2, 10);
  EXPECT_EQ(page.missed, 3U);
  EXPECT_EQ(page.decisions.front().number, 6U);
}

}  // namespace
}  // namespace gate::policy
