// How many lines a flood of decisions may write: so many a second, the rest
// is counted.
#pragma once

#include <atomic>
#include <cstdint>

namespace gate::milter {

// Thread-safe, without a lock.
class LineAllowance {
 public:
  explicit LineAllowance(uint32_t lines_per_second)
      : lines_per_second_(lines_per_second) {}

  // Whether another line may be written in `second`, of any steady clock.
  bool Take(int64_t second);
  // Lines that were not allowed since this was asked before.
  uint64_t TakeLeftOut();

 private:
  const uint32_t lines_per_second_;
  std::atomic<int64_t> second_ = 0;
  std::atomic<uint32_t> taken_ = 0;
  std::atomic<uint64_t> left_out_ = 0;
};

}  // namespace gate::milter
