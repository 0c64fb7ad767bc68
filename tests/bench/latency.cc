#include "tests/bench/latency.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace gate::bench {

void Latency::Add(int64_t nanoseconds) {
  const auto ns = static_cast<uint64_t>(std::max<int64_t>(nanoseconds, 0));
  const int power =
      std::max(static_cast<int>(std::bit_width(ns)) - 1 - kFineBits, 0);
  // Below 2^(kFineBits + 1) a bucket is one nanosecond.
  const size_t bucket =
      (static_cast<size_t>(power) << kFineBits) + (ns >> power);
  ++counts_[std::min(bucket, counts_.size() - 1)];
  ++count_;
  max_ns_ = std::max(max_ns_, ns);
}

void Latency::Add(const Latency& other) {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ns_ = std::max(max_ns_, other.max_ns_);
}

double Latency::PercentileUs(double share) const {
  const auto rank =
      static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_)));
  uint64_t seen = 0;
  for (size_t i = 0; i < counts_.size() && rank > 0; ++i) {
    seen += counts_[i];
    if (seen < rank) continue;
    constexpr size_t kExact = size_t{2} << kFineBits;
    const size_t power = i < kExact ? 0 : (i >> kFineBits) - 1;
    const uint64_t fine = i - (power << kFineBits);
    const uint64_t most = ((fine + 1) << power) - 1;
    return static_cast<double>(std::min(most, max_ns_)) / 1000;
  }
  return 0;
}

}  // namespace gate::bench
