// The buckets of one limit for one key: a leaky bucket per window, charged
// together or not at all. Pure: time is a parameter.
//
// Windows are known by their period. When a reload gives the limit another
// window, that begins with the fullest bucket that there was, which then
// drains at the new rate: what a client did is not forgotten by an edit.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "policy/bucket.h"
#include "policy/store.h"
#include "rules/policy.h"

namespace gate::policy {

// Thread-compatible.
class LimitState {
 public:
  // Adds the units if they fit in all windows; otherwise nothing changes.
  Answer Charge(const rules::Limit& limit, uint64_t units, int64_t now_us);
  // Whether they would fit.
  Answer Peek(const rules::Limit& limit, uint64_t units, int64_t now_us) const;
  // Whether they fit or not; negative: gives back.
  void Add(const rules::Limit& limit, double units, int64_t now_us);
  // The time when all buckets are empty; `now_us` when they are.
  int64_t EmptyAt(const rules::Limit& limit, int64_t now_us) const;

 private:
  struct WindowBucket {
    int64_t period_us = 0;
    Bucket bucket;
  };
  // One window is the usual case and needs no allocation.
  using Buckets = absl::InlinedVector<WindowBucket, 1>;

  bool Matches(const rules::Limit& limit) const;
  Bucket FindBucket(const rules::Limit& limit, size_t window) const;
  // Makes `buckets_` those of the limit's windows, in their order.
  void Adopt(const rules::Limit& limit);

  Buckets buckets_;
};

}  // namespace gate::policy
