// Says in the log which actions of the policy some MTA does not offer: once
// each, for all doors and connections.
#pragma once

#include <atomic>
#include <cstdint>

#include "milter/log.h"

namespace gate::milter {

// Thread-safe.
class LostActions {
 public:
  // `log` outlives it.
  explicit LostActions(Log& log) : log_(log) {}
  // `actions`: needed, but not offered (negotiation.h).
  void Report(uint32_t actions);

 private:
  Log& log_;
  std::atomic<uint32_t> reported_ = 0;
};

}  // namespace gate::milter
