#include "policy/reference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "tests/allocations.h"

namespace gate::policy {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr uint64_t kNode = 15;  // the mask of its bits

TEST(Reference, IsWrittenInEightSymbolsWithADash) {
  EXPECT_EQ(FormatReference(1), "0000-0001");
  EXPECT_EQ(FormatReference((uint64_t{1} << 40) - 1), "ZZZZ-ZZZZ");
  EXPECT_EQ(FormatReference(0x0123456789), "04HM-ASW9");
}

TEST(Reference, IsReadAsItIsWritten) {
  for (uint64_t value = 1; value < uint64_t{1} << 40; value = value * 7 + 3) {
    EXPECT_EQ(ParseReference(FormatReference(value)), value);
  }
}

TEST(Reference, ForgivesWhatPeopleDoToIt) {
  const auto value = ParseReference("0K1F-9QXM");
  ASSERT_TRUE(value);
  for (const char* text : {"0k1f-9qxm", "0K1F9QXM", "OKIF-9QXM", "okLf9qxm",
                           "[0K1F-9QXM]", " 0K1F-9QXM\n", "0K1F-9QXM]"}) {
    EXPECT_EQ(ParseReference(text), value) << text;
  }
}

TEST(Reference, IsNotReadFromOtherTexts) {
  for (const char* text :
       {"", "[]", "7K2F", "7K2F-9QXMA", "7K2F-9QX", "7K2-F9QXM", "7K2F_9QXM",
        "7K2F-9QUM", "0000-0000", "7K2F 9QXM", "4Dh5Gk0zJ9z1bXQ"}) {
    EXPECT_EQ(ParseReference(text), std::nullopt) << text;
  }
}

TEST(Reference, TellsTheTimeAndTheNode) {
  References references(5);
  const uint64_t reference = references.Make(3 * kSecond + kSecond / 2);
  EXPECT_EQ(reference & kNode, 5);
  EXPECT_EQ(reference >> 4, 3 * 16384 + 8192);
}

TEST(Reference, GrowsWhateverTheClockDoes) {
  References references(0);
  uint64_t last = references.Make(100 * kSecond);
  for (const int64_t wall_us : {100 * kSecond, 99 * kSecond, int64_t{0},
                                int64_t{-5}, 100 * kSecond + 61}) {
    const uint64_t next = references.Make(wall_us);
    EXPECT_GT(next, last);
    last = next;
  }
}

TEST(Reference, ABurstBorrowsFromTheFuture) {
  References references(0);
  const uint64_t first = references.Make(kSecond);
  for (int i = 0; i < 1000; ++i) references.Make(kSecond);
  EXPECT_EQ(references.Make(kSecond) >> 4, (first >> 4) + 1001);
  // The time to come catches up.
  EXPECT_EQ(references.Make(2 * kSecond) >> 4, 2 * 16384);
}

TEST(Reference, BeginsWhereItIsTold) {
  References references(0, 1'000'000);
  EXPECT_EQ(references.Make(kSecond) >> 4, 1'000'000);
}

// After 48 days ticks begin anew; 0 of node 0 would be none.
TEST(Reference, IsNeverNone) {
  References none(0, uint64_t{1} << 36);
  EXPECT_EQ(none.Make(0) >> 4, 1);
  References other(1, uint64_t{1} << 36);
  EXPECT_EQ(other.Make(0), 1);
}

TEST(Reference, IsMadeOnceByManyThreads) {
  constexpr size_t kThreads = 4;
  constexpr size_t kEach = 20'000;
  References references(3);
  std::vector<std::vector<uint64_t>> made(kThreads);
  std::vector<std::thread> threads;
  for (std::vector<uint64_t>& mine : made) {
    mine.reserve(kEach);
    threads.emplace_back([&references, &mine] {
      for (size_t i = 0; i < kEach; ++i) mine.push_back(references.Make(0));
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<uint64_t> all;
  for (const std::vector<uint64_t>& mine : made) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
  EXPECT_EQ(all.size(), kThreads * kEach);
}

TEST(Reference, DoesNotAllocate) {
  References references(0);
  const size_t before = ThreadAllocations();
  const std::string text = FormatReference(references.Make(kSecond));
  EXPECT_EQ(ThreadAllocations(), before);
  EXPECT_EQ(text.size(), 9);
}

TEST(NodeOfHost, SpreadsHosts) {
  std::vector<uint32_t> nodes;
  for (char c = '0'; c <= '9'; ++c) {
    const std::string host = std::string("mx") + c + ".example.org";
    EXPECT_LT(NodeOfHost(host), kReferenceNodes);
    EXPECT_EQ(NodeOfHost(host), NodeOfHost(host));
    nodes.push_back(NodeOfHost(host));
  }
  std::sort(nodes.begin(), nodes.end());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  EXPECT_GE(nodes.size(), 5u);
}

TEST(Reference, GoesOnAfterTheLastOneOfAnEarlierRun) {
  constexpr int64_t kNow = int64_t{1'800'000'000} * 1'000'000;
  References first(3);
  uint64_t last = 0;
  // Far more than fit into the time: some are of ticks to come.
  for (int i = 0; i < 100'000; ++i) last = first.Make(kNow);
  References second(3, TickAfter(last, kNow));
  EXPECT_GT(second.Make(kNow), last);
  EXPECT_GT(second.Make(kNow), last + (1 << 4));
  References later(3, TickAfter(last, kNow + 3'600'000'000));
  References fresh(3);
  EXPECT_EQ(later.Make(kNow + 3'600'000'000), fresh.Make(kNow + 3'600'000'000));
  EXPECT_EQ(TickAfter(0, kNow), 0U);
}

// As after a kill, which takes the last second from the journal.
TEST(Reference, IsNotRepeatedWhereTheLastOnesAreNotKnown) {
  constexpr int64_t kNow = 1'764'000'000'000'000;
  References first(3);
  const uint64_t known = first.Make(kNow);
  uint64_t last = 0;
  for (int i = 0; i < 200'000; ++i) last = first.Make(kNow);
  References second(3, TickAfter(known, kNow));
  EXPECT_GT(second.Make(kNow), last);
}

TEST(Reference, IsLaterThanOthersAlsoWhenNumbersBeginAnew) {
  constexpr uint64_t kGreatest = (uint64_t{1} << 40) - 1;
  EXPECT_EQ(LaterReference(0, 77), 77U);
  EXPECT_EQ(LaterReference(77, 0), 77U);
  EXPECT_EQ(LaterReference(0x123, 0x456), 0x456U);
  EXPECT_EQ(LaterReference(0x456, 0x123), 0x456U);
  EXPECT_EQ(LaterReference(kGreatest, 0x123), 0x123U);
  EXPECT_EQ(LaterReference(0x123, kGreatest), 0x123U);
}

}  // namespace
}  // namespace gate::policy
