// How long events took: counts by time, each bucket about 1.6 % wide, so that
// recording costs a few nanoseconds and no memory.
#pragma once

#include <array>
#include <cstdint>

namespace gate::bench {

class Latency {
 public:
  void Add(int64_t nanoseconds);
  void Add(const Latency& other);

  uint64_t count() const { return count_; }
  double max_us() const { return static_cast<double>(max_ns_) / 1000; }
  // Microseconds that `share` (0 to 1) of the events did not exceed; 0 when
  // there were none.
  double PercentileUs(double share) const;

 private:
  static constexpr int kFineBits = 6;  // buckets for each power of two: 64
  static constexpr int kPowers = 40;   // up to 9 hours

  std::array<uint64_t, kPowers << kFineBits> counts_ = {};
  uint64_t count_ = 0;
  uint64_t max_ns_ = 0;
};

}  // namespace gate::bench
