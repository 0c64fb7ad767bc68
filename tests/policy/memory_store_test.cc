#include "policy/memory_store.h"

#include <atomic>
#include <thread>

#include "gtest/gtest.h"
#include "policy/clock.h"
#include "tests/allocations.h"
#include "tests/policy/store_conformance.h"

namespace gate::policy {
namespace {

class MemoryHarness {
 public:
  Store& store() { return store_; }
  int64_t now_us() { return clock_.Read().steady_us; }
  void Advance(int64_t us) { clock_.Advance(us); }

 private:
  ManualClock clock_;
  MemoryStore store_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, StoreConformance, MemoryHarness);

class NoWaiter : public Waiter {
 public:
  void Done(Batch&) noexcept override {}
};

rules::Limit PerHour(uint64_t amount) {
  return MakeLimit(
      "l", {{.amount = amount, .period_us = 60 * kMinute, .burst = amount}});
}

// One charge of `units`; true when it fits.
bool Charge(MemoryStore& store, const rules::Limit& limit,
            const std::string& subject, uint64_t units, int64_t now_us) {
  Batch batch;
  batch.now_us = now_us;
  Lookup& lookup = batch.Append();
  lookup.limit = &limit;
  lookup.name = limit.name;
  lookup.subject = subject;
  lookup.units = units;
  NoWaiter waiter;
  store.Submit(batch, waiter);
  return batch[0].answer.state == AnswerState::kFits;
}

TEST(MemoryStore, StaysWithinItsBound) {
  MemoryStore store({.max_entries = 640});
  const rules::Limit limit = PerHour(10);
  for (int i = 0; i < 10'000; ++i) {
    Charge(store, limit, std::to_string(i), 1, i);
  }
  EXPECT_LE(store.size(), 640u);
  EXPECT_GT(store.size(), 600u);
  EXPECT_EQ(store.evicted(), 10'000 - store.size());
}

TEST(MemoryStore, FloodOfNewKeysDoesNotForgetFullBuckets) {
  MemoryStore store({.max_entries = 6400});
  const rules::Limit limit = PerHour(10);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(Charge(store, limit, "full" + std::to_string(i), 10, 0));
  }
  for (int i = 0; i < 50'000; ++i) {
    Charge(store, limit, std::to_string(i), 1, i);
  }
  ASSERT_GT(store.evicted(), 0u);
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(Charge(store, limit, "full" + std::to_string(i), 1, 50'000))
        << i;
  }
}

TEST(MemoryStore, ForgetsEmptyBucketsAsOthersAreUsed) {
  MemoryStore store;
  const rules::Limit limit = PerHour(10);
  for (int i = 0; i < 1000; ++i) {
    Charge(store, limit, std::to_string(i), 1, 0);
  }
  EXPECT_EQ(store.size(), 1000u);
  const int64_t later = 10 * kMinute;
  for (int i = 0; i < 20'000; ++i) {
    Charge(store, limit, "k" + std::to_string(i), 0, later);
  }
  EXPECT_EQ(store.size(), 0u);
  EXPECT_EQ(store.evicted(), 0u);
}

TEST(MemoryStore, UnchargedKeysTakeNoRoom) {
  MemoryStore store;
  const rules::Limit limit = PerHour(10);
  EXPECT_FALSE(Charge(store, limit, "too many", 11, 0));
  EXPECT_TRUE(Charge(store, limit, "nothing", 0, 0));
  EXPECT_EQ(store.size(), 0u);
}

TEST(MemoryStore, KnownKeysAreChargedWithoutAllocation) {
  MemoryStore store;
  const rules::Limit limit =
      MakeLimit("a_limit_with_quite_a_long_name_for_a_limit",
                {{.amount = 1000, .period_us = kMinute, .burst = 1000},
                 {.amount = 1000, .period_us = 60 * kMinute, .burst = 1000}});
  Batch batch;
  NoWaiter waiter;
  size_t before = 0;
  for (int round = 0; round < 10; ++round) {
    if (round == 1) before = ThreadAllocations();
    batch.Clear();
    for (const char* subject : {"2001:db8:1234:5678::/64", "alice"}) {
      Lookup& lookup = batch.Append();
      lookup.limit = &limit;
      lookup.name = limit.name;
      lookup.subject = subject;
    }
    store.Submit(batch, waiter);
    ASSERT_EQ(batch[1].answer.state, AnswerState::kFits);
  }
  EXPECT_EQ(ThreadAllocations() - before, 0u);
}

TEST(MemoryStore, ThreadsTogetherGetNoMoreThanTheBurst) {
  MemoryStore store({.max_entries = 3200});
  const rules::Limit limit = PerHour(1000);
  std::atomic<int> admitted = 0;
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        if (Charge(store, limit, "all", 1, 0)) ++admitted;
        Charge(store, limit, std::to_string(t * 1000 + i), 1, 0);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(admitted, 1000);
}

}  // namespace
}  // namespace gate::policy
