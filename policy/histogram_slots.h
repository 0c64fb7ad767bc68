// Where the histograms of Statistics lie among its counters: for each stage
// and for the store one counter a bucket, and one for the sum.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "policy/statistics.h"
#include "rules/facts.h"

namespace gate::policy {

// Microseconds.
inline constexpr std::array<int64_t, 17> kDurationBounds = {
    10,     20,     50,     100,    200,     500,     1'000,   2'000,    5'000,
    10'000, 20'000, 50'000, 75'000, 100'000, 200'000, 500'000, 1'000'000};

// Behind the buckets of the bounds, and that of all that is longer.
inline constexpr uint32_t kDurationSum = kDurationBounds.size() + 1;
inline constexpr uint32_t kHistogramSize = kDurationSum + 1;
inline constexpr uint32_t kFirstHistogram = kCounters;
inline constexpr uint32_t kStoreHistogram =
    kFirstHistogram + rules::kStageCount * kHistogramSize;
inline constexpr uint32_t kFirstFree = kStoreHistogram + kHistogramSize;

inline uint32_t StageHistogram(rules::Stage stage) {
  return kFirstHistogram + static_cast<uint32_t>(stage) * kHistogramSize;
}

inline uint32_t DurationBucket(int64_t us) {
  const auto bound = std::ranges::lower_bound(kDurationBounds, us);
  return static_cast<uint32_t>(bound - kDurationBounds.begin());
}

}  // namespace gate::policy
