// Time as a collaborator (style S19): the engine reads it once an event and
// passes it down.
#pragma once

#include <atomic>
#include <cstdint>

namespace gate::policy {

// `steady_us`: microseconds that never go back, for limits and bans.
// `wall_us`: microseconds since 1970-01-01 UTC, for time.* and records.
struct Now {
  int64_t steady_us = 0;
  int64_t wall_us = 0;
};

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Now Read() const = 0;
};

// Thread-safe.
class SystemClock : public Clock {
 public:
  Now Read() const override;
};

// Moves only when told: tests, `test` blocks, `ask`. Thread-safe.
class ManualClock : public Clock {
 public:
  // Begins at Monday, 2024-01-01 12:00:00 UTC.
  Now Read() const override;
  void Advance(int64_t us) { us_ += us; }

 private:
  std::atomic<int64_t> us_ = 0;
};

}  // namespace gate::policy
