#include "policy/statistics.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rules/load.h"
#include "tests/allocations.h"
#include "tests/rules/map_reader.h"

namespace gate::policy {
namespace {

using testing::ElementsAre;

std::shared_ptr<const rules::Policy> Compile(const std::string& text) {
  rules::MapReader reader({{"policy.rules", text}});
  const rules::LoadResult result = rules::LoadPolicy(reader, "policy.rules");
  EXPECT_NE(result.policy, nullptr) << result.Render();
  return result.policy;
}

constexpr const char* kThreeRules = R"(
  at connect {
    a: reject 554 5.7.1 "No" when client.port == 1
    shadow b: reject 554 5.7.1 "No" when client.port == 2
  }
  at rcpt { c: accept when rcpt.count == 3 }
)";

std::vector<std::string> Lines(const StatisticsSnapshot& snapshot) {
  std::vector<std::string> lines;
  for (const RuleCount& rule : snapshot.rules) {
    lines.push_back(
        std::string(rules::StageName(rule.stage)) + " " + rule.rule + " " +
        std::string(rules::ActionName(rule.action)) +
        (rule.shadow ? " shadow " : " ") + std::to_string(rule.held.total));
  }
  return lines;
}

TEST(Statistics, ShowsRulesByStageThenByCount) {
  Statistics statistics;
  const std::vector<uint32_t> slots =
      statistics.Register(*Compile(kThreeRules)).rules;
  ASSERT_EQ(slots.size(), 3u);
  statistics.CountRule(slots[1]);
  EXPECT_THAT(Lines(statistics.Snapshot()),
              ElementsAre("connect b reject shadow 1", "connect a reject 0",
                          "rcpt c accept 0"));
}

TEST(Statistics, EqualRulesKeepTheirCountsOverAReload) {
  Statistics statistics;
  const std::vector<uint32_t> first =
      statistics.Register(*Compile(kThreeRules)).rules;
  for (const uint32_t slot : first) statistics.CountRule(slot);
  // `b` decides now, and `c` is gone.
  const std::vector<uint32_t> second = statistics
                                           .Register(*Compile(R"(
    at connect {
      b: reject 554 5.7.1 "No" when client.port == 2
      a: reject 550 5.7.1 "Other words" when client.port == 9
    })"))
                                           .rules;
  statistics.CountRule(second[1]);
  EXPECT_THAT(Lines(statistics.Snapshot()),
              ElementsAre("connect a reject 2", "connect b reject shadow 1",
                          "connect b reject 0", "rcpt c accept 1"));
}

TEST(Statistics, ForgetsRulesThatWentAndNeverHeld) {
  Statistics statistics;
  statistics.Register(*Compile(kThreeRules));
  statistics.Register(*Compile("at rcpt { accept }"));
  EXPECT_THAT(Lines(statistics.Snapshot()),
              ElementsAre("rcpt rcpt:1 accept 0"));
}

TEST(Statistics, SlotsOfAnOlderPolicyStillCount) {
  Statistics statistics;
  const std::vector<uint32_t> old =
      statistics.Register(*Compile(kThreeRules)).rules;
  // More rules than one block of counters has.
  std::string many = "at connect {\n";
  for (int i = 0; i < 3000; ++i) {
    many += "r" + std::to_string(i) +
            ": accept when client.port == " + std::to_string(i) + "\n";
  }
  const std::vector<uint32_t> slots =
      statistics.Register(*Compile(many + "}")).rules;
  statistics.CountRule(old[2]);
  statistics.CountRule(slots.back());
  const std::vector<std::string> lines = Lines(statistics.Snapshot());
  EXPECT_EQ(lines.size(), 3001u);
  EXPECT_EQ(lines.front(), "connect r2999 accept 1");
  EXPECT_EQ(lines.back(), "rcpt c accept 1");
}

TEST(Statistics, AddsUpWhatThreadsCountWhileRulesAreRegistered) {
  Statistics statistics;
  const std::vector<uint32_t> slots =
      statistics.Register(*Compile(kThreeRules)).rules;
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&statistics, &slots] {
      for (int i = 0; i < 1000; ++i) {
        statistics.CountRule(slots[0]);
        statistics.Count(Counter::kConnections);
      }
    });
  }
  statistics.Register(*Compile("at rcpt { accept }"));
  statistics.Snapshot();
  for (std::thread& thread : threads) thread.join();
  const StatisticsSnapshot snapshot = statistics.Snapshot();
  EXPECT_EQ(snapshot.rules.at(0).held.total, 8000u);
  EXPECT_EQ(snapshot.counters[static_cast<size_t>(Counter::kConnections)],
            8000u);
}

TEST(Statistics, CountingAllocatesNothing) {
  Statistics statistics;
  const std::vector<uint32_t> slots =
      statistics.Register(*Compile(kThreeRules)).rules;
  const size_t before = ThreadAllocations();
  statistics.CountRule(slots[0]);
  statistics.Count(Counter::kAborts);
  EXPECT_EQ(ThreadAllocations(), before);
}

TEST(Statistics, EveryCounterHasItsName) {
  std::vector<std::string_view> names;
  for (size_t i = 0; i < static_cast<size_t>(Counter::kCount); ++i) {
    names.push_back(CounterName(static_cast<Counter>(i)));
  }
  EXPECT_THAT(names, testing::Each(testing::Not(testing::IsEmpty())));
  EXPECT_EQ(CounterName(Counter::kConnections), "connections");
  EXPECT_EQ(CounterName(Counter::kLogDropped), "log_dropped");
}

}  // namespace
}  // namespace gate::policy
