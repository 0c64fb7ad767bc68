#include "policy/clock.h"

#include <chrono>

namespace gate::policy {
namespace {

// Monday, 2024-01-01 12:00:00 UTC.
constexpr int64_t kManualStartUs = int64_t{1'704'110'400} * 1'000'000;

template <class ChronoClock>
int64_t MicrosecondsOf() {
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  return duration_cast<microseconds>(ChronoClock::now().time_since_epoch())
      .count();
}

}  // namespace

Now SystemClock::Read() const {
  return {.steady_us = MicrosecondsOf<std::chrono::steady_clock>(),
          .wall_us = MicrosecondsOf<std::chrono::system_clock>()};
}

Now ManualClock::Read() const {
  const int64_t us = us_;
  return {.steady_us = us, .wall_us = kManualStartUs + us};
}

}  // namespace gate::policy
