#include "milter/ticker.h"

#include <atomic>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/mta/child_process.h"

namespace gate::milter {
namespace {

TEST(Ticker, TicksAtOnceAndAgainUntilItGoes) {
  std::atomic<int> ticks = 0;
  {
    const Ticker ticker(absl::Milliseconds(1), [&ticks] { ++ticks; });
    EXPECT_TRUE(
        mta::WaitUntil([&] { return ticks >= 3; }, std::chrono::seconds(10)));
  }
  const int seen = ticks;
  absl::SleepFor(absl::Milliseconds(20));
  EXPECT_EQ(ticks, seen);
}

TEST(Ticker, DoesNotWaitForItsPeriodToEnd) {
  const absl::Time begin = absl::Now();
  std::atomic<int> ticks = 0;
  {
    const Ticker ticker(absl::Hours(1), [&ticks] { ++ticks; });
  }
  EXPECT_EQ(ticks, 1);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(30));
}

}  // namespace
}  // namespace gate::milter
