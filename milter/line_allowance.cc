#include "milter/line_allowance.h"

namespace gate::milter {

// Threads that meet at the turn of a second may write a few lines more.
bool LineAllowance::Take(int64_t second) {
  int64_t seen = second_.load(std::memory_order_relaxed);
  if (seen != second && second_.compare_exchange_strong(
                            seen, second, std::memory_order_relaxed)) {
    taken_.store(0, std::memory_order_relaxed);
  }
  if (taken_.load(std::memory_order_relaxed) < lines_per_second_) {
    taken_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  left_out_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

uint64_t LineAllowance::TakeLeftOut() {
  if (left_out_.load(std::memory_order_relaxed) == 0) return 0;
  return left_out_.exchange(0, std::memory_order_relaxed);
}

}  // namespace gate::milter
