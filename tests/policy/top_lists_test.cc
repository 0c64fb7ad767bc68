#include "policy/top_lists.h"

#include <map>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gate::policy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kMinute = 60'000'000;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kNoon = 20'000 * 24 * kHour + 12 * kHour;

TopKeys Client(std::string_view client) { return {client, "", "", "", ""}; }

std::vector<std::string> Clients(const TopLists& lists, TopPeriod period,
                                 int64_t now_us) {
  std::vector<std::string> lines;
  for (const FrequentKey& key :
       lists.Top(TopKind::kClient, period, 10, now_us).keys) {
    lines.push_back(key.key + " " + std::to_string(key.count));
  }
  return lines;
}

TEST(TopLists, CountsEachKindThatADecisionHas) {
  TopLists lists;
  lists.Add({"192.0.2.0/24", "a.example", "b.example", "", "no_relay"}, kNoon);
  lists.Add({"192.0.2.0/24", "", "", "alice", "no_relay"}, kNoon);
  const auto top = [&](TopKind kind) {
    return lists.Top(kind, TopPeriod::kHour, 10, kNoon);
  };
  EXPECT_EQ(top(TopKind::kClient).added, 2u);
  EXPECT_EQ(top(TopKind::kSender).added, 1u);
  EXPECT_EQ(top(TopKind::kRcpt).keys.at(0).key, "b.example");
  EXPECT_EQ(top(TopKind::kUser).keys.at(0).key, "alice");
  EXPECT_EQ(top(TopKind::kRule).keys.at(0).count, 2u);
}

TEST(TopLists, ForgetsWhatIsOlderThanThePeriod) {
  TopLists lists;
  lists.Add(Client("old"), kNoon);
  lists.Add(Client("new"), kNoon + 59 * kMinute);
  EXPECT_THAT(Clients(lists, TopPeriod::kHour, kNoon + 60 * kMinute),
              ElementsAre("new 1", "old 1"));
  EXPECT_THAT(Clients(lists, TopPeriod::kHour, kNoon + 70 * kMinute),
              ElementsAre("new 1"));
  EXPECT_THAT(Clients(lists, TopPeriod::kDay, kNoon + 24 * kHour),
              ElementsAre("new 1", "old 1"));
  EXPECT_THAT(Clients(lists, TopPeriod::kDay, kNoon + 25 * kHour), IsEmpty());
}

TEST(TopLists, AClockThatGoesBackLosesNothing) {
  TopLists lists;
  lists.Add(Client("a"), kNoon);
  lists.Add(Client("a"), kNoon + 20 * kMinute);
  lists.Add(Client("a"), kNoon - 1000 * kHour);
  EXPECT_THAT(Clients(lists, TopPeriod::kHour, kNoon - 1000 * kHour),
              ElementsAre("a 3"));
  EXPECT_THAT(
      Clients(lists, TopPeriod::kHour, kNoon - 1000 * kHour + 55 * kMinute),
      ElementsAre("a 2"));
}

// Two loops, each in order; the batches of one come after those of the other.
TEST(TopLists, WhatComesLateAgesNothing) {
  TopLists lists;
  lists.Add(Client("old"), kNoon - 40 * kMinute);
  lists.Add(Client("before"), kNoon - 1);
  for (int i = 0; i < 100; ++i) {
    lists.Add(Client("ahead"), kNoon + i);
    lists.Add(Client("late"), kNoon - kMinute / 2 + i);
  }
  EXPECT_THAT(Clients(lists, TopPeriod::kHour, kNoon + kMinute),
              ElementsAre("ahead 100", "late 100", "before 1", "old 1"));
  EXPECT_THAT(Clients(lists, TopPeriod::kDay, kNoon + kMinute),
              ElementsAre("ahead 100", "late 100", "before 1", "old 1"));
  EXPECT_THAT(Clients(lists, TopPeriod::kHour, kNoon + 61 * kMinute),
              ElementsAre("ahead 100"))
      << "late ones belong to the ten minutes before noon";
}

TEST(TopLists, WhatComesLateWithNoSliceOfItsOwnIsCounted) {
  TopLists lists;
  lists.Add(Client("a"), kNoon);
  lists.Add(Client("a"), kNoon - 1);
  EXPECT_THAT(Clients(lists, TopPeriod::kHour, kNoon), ElementsAre("a 2"));
}

TEST(TopLists, SumsOfSketchesKeepTheirBounds) {
  constexpr size_t kCapacity = 20;
  TopLists lists(kCapacity);
  std::map<std::string, uint64_t> counts;
  std::mt19937_64 random(7);
  std::geometric_distribution<int> skewed(0.05);
  for (int i = 0; i < 6000; ++i) {
    const std::string key = std::to_string(skewed(random));
    lists.Add(Client(key), kNoon + i * kHour / 6000);
    ++counts[key];
  }
  const TopList top =
      lists.Top(TopKind::kClient, TopPeriod::kHour, 1000, kNoon + kHour);
  EXPECT_EQ(top.added, 6000u);
  EXPECT_LE(top.floor, 6000 / kCapacity);
  EXPECT_GT(top.floor, 0u) << "the sketches were never full";
  for (const FrequentKey& key : top.keys) {
    EXPECT_LE(key.count - key.error, counts[key.key]) << key.key;
    EXPECT_GE(key.count, counts[key.key]) << key.key;
    EXPECT_LE(key.error, top.floor) << key.key;
    counts.erase(key.key);
  }
  for (const auto& [key, real] : counts) EXPECT_LE(real, top.floor) << key;
}

TEST(TopLists, ShortListsSayWhatTheOthersCanHave) {
  TopLists lists;
  for (const char* key : {"a", "a", "a", "b", "b", "c"}) {
    lists.Add(Client(key), kNoon);
  }
  const TopList top = lists.Top(TopKind::kClient, TopPeriod::kDay, 1, kNoon);
  ASSERT_EQ(top.keys.size(), 1u);
  EXPECT_EQ(top.keys[0].key, "a");
  EXPECT_EQ(top.floor, 2u);
  EXPECT_EQ(top.added, 6u);
}

TEST(TopLists, GoOnFromWhatWasSaved) {
  TopLists before;
  before.Add(Client("a"), kNoon);
  before.Add(Client("a"), kNoon + 30 * kMinute);
  before.Add(Client("b"), kNoon + 30 * kMinute);
  TopLists after;
  after.Restore(before.Save());
  after.Add(Client("a"), kNoon + 31 * kMinute);
  EXPECT_THAT(Clients(after, TopPeriod::kHour, kNoon + 31 * kMinute),
              ElementsAre("a 3", "b 1"));
  EXPECT_THAT(Clients(after, TopPeriod::kHour, kNoon + 75 * kMinute),
              ElementsAre("a 2", "b 1"));
  EXPECT_THAT(Clients(after, TopPeriod::kDay, kNoon + 75 * kMinute),
              ElementsAre("a 3", "b 1"));
}

}  // namespace
}  // namespace gate::policy
