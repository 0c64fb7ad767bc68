// The arithmetic of rate limits, pure: a leaky bucket per window.
//
// State is level and time, so a change of the rate acts at once and loses
// nothing (design.md section 4). The level drains at amount/period; n units
// fit when level + n <= burst. Equal to GCRA (ITU-T I.371) with TAT = time +
// level * period / amount. Never more than burst + rate * time in any window.
//
// A level above kMaxBursts bursts counts as kMaxBursts: neither a flood of
// rejections nor a limit made much smaller locks a client out for longer than
// that takes to drain.
#pragma once

#include <cstdint>

#include "rules/policy.h"

namespace gate::policy {

struct Bucket {
  double level = 0;     // units that have not drained yet
  int64_t time_us = 0;  // when `level` was true
};

// Rounding of doubles must not refuse what just drained.
inline constexpr double kUnitEpsilon = 1e-6;
// The most that a bucket holds when it is charged by force.
inline constexpr double kMaxBursts = 2;

// The level at `now_us`; a clock that went back counts as no time.
double LevelAt(const Bucket& bucket, const rules::Window& window,
               int64_t now_us);
bool Fits(const Bucket& bucket, const rules::Window& window, double units,
          int64_t now_us);
// Adds units (negative: gives back, not below zero) whether they fit or not;
// not above kMaxBursts bursts.
void Add(Bucket& bucket, const rules::Window& window, double units,
         int64_t now_us);
// Microseconds until `units` fit; 0 when they fit now; for more units than
// the burst: until the bucket is empty.
int64_t RetryAfter(const Bucket& bucket, const rules::Window& window,
                   double units, int64_t now_us);
// Microseconds until the bucket is empty: its state may be forgotten then.
int64_t EmptyAfter(const Bucket& bucket, const rules::Window& window,
                   int64_t now_us);

}  // namespace gate::policy
