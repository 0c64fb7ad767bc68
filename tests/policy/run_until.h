// Runs an event loop on the test's own thread until something is so.
#pragma once

#include <functional>

#include "policy/loop.h"

namespace gate::policy {

// Asks at the end of each turn, once a millisecond at least; false when 10 s
// have passed.
inline bool RunUntil(Loop& loop, const std::function<bool()>& condition) {
  constexpr int64_t kLimitUs = 10'000'000;
  const int64_t deadline_us = Loop::NowUs() + kLimitUs;
  bool held = false;
  const LoopTurn turn(loop, [&] {
    held = condition();
    if (held || Loop::NowUs() > deadline_us) loop.Stop();
  });
  LoopTimer tick(loop, [&tick] { tick.Start(1000); });
  tick.Start(1000);
  loop.Run();
  return held;
}

}  // namespace gate::policy
