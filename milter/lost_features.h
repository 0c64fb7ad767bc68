// Says in the log what the policy needs and some MTA does not offer: once
// each, for all doors and connections.
#pragma once

#include <atomic>
#include <cstdint>

#include "milter/log.h"
#include "milter/protocol.h"

namespace gate::milter {

// Thread-safe.
class LostFeatures {
 public:
  // `log` outlives it.
  explicit LostFeatures(Log& log) : log_(log) {}
  // `missing`: needed, but not offered (negotiation.h).
  void Report(const Features& missing);

 private:
  Log& log_;
  std::atomic<uint32_t> actions_ = 0, steps_ = 0;  // reported
};

}  // namespace gate::milter
