#include "tests/bench/latency.h"

#include <gtest/gtest.h>

namespace gate::bench {
namespace {

TEST(Latency, PercentilesAreWithinTwoPercent) {
  Latency latency;
  for (int64_t us = 1; us <= 100'000; ++us) latency.Add(us * 1000);
  EXPECT_EQ(latency.count(), 100'000u);
  EXPECT_NEAR(latency.PercentileUs(0.5), 50'000, 1000);
  EXPECT_NEAR(latency.PercentileUs(0.99), 99'000, 1980);
  EXPECT_NEAR(latency.PercentileUs(0.00001), 1, 0.02);
  EXPECT_DOUBLE_EQ(latency.PercentileUs(1), 100'000);
  EXPECT_DOUBLE_EQ(latency.max_us(), 100'000);
}

TEST(Latency, NothingIsZeroAndHoursHaveABucket) {
  Latency latency;
  EXPECT_DOUBLE_EQ(latency.PercentileUs(0.5), 0);
  latency.Add(int64_t{20} * 3600 * 1'000'000'000);
  EXPECT_GT(latency.PercentileUs(0.5), 3600e6);
}

TEST(Latency, AddsUp) {
  Latency few;
  few.Add(1'000);
  Latency many;
  for (int i = 0; i < 99; ++i) many.Add(5'000);
  many.Add(few);
  EXPECT_EQ(many.count(), 100u);
  EXPECT_NEAR(many.PercentileUs(0.01), 1, 0.02);
  EXPECT_NEAR(many.PercentileUs(0.02), 5, 0.1);
}

}  // namespace
}  // namespace gate::bench
