// Which connections belong to a sample.
#pragma once

#include <atomic>
#include <cstdint>

namespace gate::policy {

// Thread-safe; takes no lock.
class Sample {
 public:
  static constexpr uint32_t kAll = 1'000'000;

  // True for `per_million` of a million calls, spread evenly but not in a
  // pattern that a client could meet (SplitMix64, Steele, Lea and Flood 2014).
  bool Takes(uint32_t per_million) noexcept {
    if (per_million == 0) return false;
    if (per_million >= kAll) return true;
    uint64_t bits =
        next_.fetch_add(0x9e3779b97f4a7c15, std::memory_order_relaxed);
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
    bits ^= bits >> 31;
    return bits % kAll < per_million;
  }

 private:
  std::atomic<uint64_t> next_ = 0;
};

}  // namespace gate::policy
