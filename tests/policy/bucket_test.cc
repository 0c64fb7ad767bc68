#include "policy/bucket.h"

#include <cstdint>
#include <limits>

#include "gtest/gtest.h"

namespace gate::policy {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr rules::Window kTenPerMinute{
    .amount = 10, .period_us = 60 * kSecond, .burst = 10};

TEST(Bucket, DrainsAtTheRate) {
  const Bucket bucket{.level = 10, .time_us = 0};
  EXPECT_DOUBLE_EQ(LevelAt(bucket, kTenPerMinute, 0), 10);
  EXPECT_DOUBLE_EQ(LevelAt(bucket, kTenPerMinute, 6 * kSecond), 9);
  EXPECT_DOUBLE_EQ(LevelAt(bucket, kTenPerMinute, 600 * kSecond), 0);
}

TEST(Bucket, TakesAClockThatWentBackForNoTime) {
  Bucket bucket{.level = 5, .time_us = 60 * kSecond};
  EXPECT_DOUBLE_EQ(LevelAt(bucket, kTenPerMinute, 0), 5);
  Add(bucket, kTenPerMinute, 1, 0);
  EXPECT_DOUBLE_EQ(bucket.level, 6);
  EXPECT_EQ(bucket.time_us, 60 * kSecond);
  EXPECT_EQ(EmptyAfter(bucket, kTenPerMinute, 0), 96 * kSecond);
}

TEST(Bucket, FitsAgainExactlyWhenOneUnitHasDrained) {
  // A third of a second a unit: no double is exact here.
  const rules::Window window{.amount = 3, .period_us = kSecond, .burst = 3};
  Bucket bucket;
  Add(bucket, window, 3, 0);
  EXPECT_FALSE(Fits(bucket, window, 1, 333'332));
  EXPECT_EQ(RetryAfter(bucket, window, 1, 0), 333'334);
  EXPECT_TRUE(Fits(bucket, window, 1, 333'334));
}

TEST(Bucket, RetryAfterIsZeroWhenItFits) {
  EXPECT_EQ(RetryAfter({}, kTenPerMinute, 10, 0), 0);
}

TEST(Bucket, RetryAfterOfMoreThanTheBurstIsUntilEmpty) {
  const Bucket bucket{.level = 2, .time_us = 0};
  EXPECT_EQ(RetryAfter(bucket, kTenPerMinute, 11, 0), 12 * kSecond);
  EXPECT_GT(RetryAfter({}, kTenPerMinute, 11, 0), 0) << "it never fits";
}

TEST(Bucket, GivesBackNotBelowZero) {
  Bucket bucket{.level = 2, .time_us = 0};
  Add(bucket, kTenPerMinute, -5, 0);
  EXPECT_DOUBLE_EQ(bucket.level, 0);
}

TEST(Bucket, HoldsAtMostTwoBursts) {
  Bucket bucket;
  Add(bucket, kTenPerMinute, 1e9, 0);
  EXPECT_DOUBLE_EQ(bucket.level, 20);
  const rules::Window smaller{
      .amount = 1, .period_us = 60 * kSecond, .burst = 1};
  EXPECT_DOUBLE_EQ(LevelAt(bucket, smaller, 0), 2);
}

TEST(Bucket, AddsUpWithoutOverflow) {
  const rules::Window slow{.amount = 1,
                           .period_us = std::numeric_limits<int64_t>::max(),
                           .burst = std::numeric_limits<uint64_t>::max()};
  Bucket bucket;
  Add(bucket, slow, 1e18, 0);
  EXPECT_GT(EmptyAfter(bucket, slow, 0), int64_t{1} << 60);
  EXPECT_GT(kSecond + EmptyAfter(bucket, slow, 0), 0);
}

}  // namespace
}  // namespace gate::policy
