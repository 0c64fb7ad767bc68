// The latest decisions, for those who look on: the page and `tail` ask again
// and again for what came since.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "policy/recorder.h"

namespace gate::policy {

// A decision as it was recorded.
struct KeptDecision {
  uint64_t number = 0;   // 1 is the first since the start
  std::string bytes;     // a record (decision_record.h)
  PolicyPointer policy;  // null: not known any more
};

// Thread-safe.
class LatestDecisions : public DecisionSink {
 public:
  static constexpr size_t kKept = 4096;
  static constexpr size_t kMaxKeptBytes = size_t{4} << 20;

  void Take(const DecisionRecord& record, const PolicyPointer& policy,
            std::string_view bytes) override;

  struct Page {
    std::vector<KeptDecision> decisions;  // the oldest first
    uint64_t next = 0;    // to be given as `after` the next time
    uint64_t missed = 0;  // came after `after`, and are gone already
  };
  // Those with a number above `after`, at most `most` of them; more are not
  // missed: they come next. An `after` of the future is one of a gatemilter
  // that has been restarted: all.
  Page After(uint64_t after, size_t most) const;
  // The newest `most`.
  Page Newest(size_t most) const;

 private:
  mutable absl::Mutex mutex_;
  std::deque<KeptDecision> kept_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t last_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace gate::policy
