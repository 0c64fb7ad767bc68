#include "policy/bucket.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

namespace gate::policy {
namespace {

double MaxLevel(const rules::Window& window) {
  return kMaxBursts * static_cast<double>(window.burst);
}

// Microseconds in which `units` drain, rounded up; huge ones are cut so that
// sums with a time do not overflow.
int64_t DrainTime(const rules::Window& window, double units) {
  constexpr int64_t kLongest = std::numeric_limits<int64_t>::max() / 4;
  const double us = std::ceil(units * static_cast<double>(window.period_us) /
                              static_cast<double>(window.amount));
  return us < static_cast<double>(kLongest) ? static_cast<int64_t>(us)
                                            : kLongest;
}

}  // namespace

double LevelAt(const Bucket& bucket, const rules::Window& window,
               int64_t now_us) {
  assert(window.amount > 0 && window.period_us > 0);
  const double level = std::min(bucket.level, MaxLevel(window));
  if (now_us <= bucket.time_us) return level;
  const double drained = static_cast<double>(now_us - bucket.time_us) *
                         static_cast<double>(window.amount) /
                         static_cast<double>(window.period_us);
  return std::max(0.0, level - drained);
}

bool Fits(const Bucket& bucket, const rules::Window& window, double units,
          int64_t now_us) {
  return LevelAt(bucket, window, now_us) + units <=
         static_cast<double>(window.burst) + kUnitEpsilon;
}

void Add(Bucket& bucket, const rules::Window& window, double units,
         int64_t now_us) {
  bucket.level = std::clamp(LevelAt(bucket, window, now_us) + units, 0.0,
                            MaxLevel(window));
  bucket.time_us = std::max(bucket.time_us, now_us);
}

int64_t RetryAfter(const Bucket& bucket, const rules::Window& window,
                   double units, int64_t now_us) {
  if (Fits(bucket, window, units, now_us)) return 0;
  const double level = LevelAt(bucket, window, now_us);
  const double room = static_cast<double>(window.burst) - units;
  // While a clock that went back catches up, nothing drains.
  return std::max<int64_t>(0, bucket.time_us - now_us) +
         std::max<int64_t>(1, DrainTime(window, level - std::max(0.0, room)));
}

int64_t EmptyAfter(const Bucket& bucket, const rules::Window& window,
                   int64_t now_us) {
  const double level = LevelAt(bucket, window, now_us);
  if (level <= 0) return 0;
  return std::max<int64_t>(0, bucket.time_us - now_us) +
         DrainTime(window, level);
}

}  // namespace gate::policy
