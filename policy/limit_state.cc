#include "policy/limit_state.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace gate::policy {
namespace {

uint64_t WholeUnits(double level) {
  return static_cast<uint64_t>(std::ceil(std::max(0.0, level - kUnitEpsilon)));
}

}  // namespace

bool LimitState::Matches(const rules::Limit& limit) const {
  return std::equal(
      buckets_.begin(), buckets_.end(), limit.windows.begin(),
      limit.windows.end(),
      [](const WindowBucket& bucket, const rules::Window& window) {
        return bucket.period_us == window.period_us;
      });
}

Bucket LimitState::FindBucket(const rules::Limit& limit, size_t window) const {
  if (Matches(limit)) return buckets_[window].bucket;
  Bucket fullest;
  for (const WindowBucket& known : buckets_) {
    if (known.period_us == limit.windows[window].period_us) {
      return known.bucket;
    }
    if (known.bucket.level > fullest.level) fullest = known.bucket;
  }
  return fullest;
}

void LimitState::Adopt(const rules::Limit& limit) {
  if (Matches(limit)) return;
  Buckets adopted;
  for (size_t i = 0; i < limit.windows.size(); ++i) {
    adopted.push_back({.period_us = limit.windows[i].period_us,
                       .bucket = FindBucket(limit, i)});
  }
  buckets_ = std::move(adopted);
}

Answer LimitState::Peek(const rules::Limit& limit, uint64_t units,
                        int64_t now_us) const {
  Answer answer{.state = AnswerState::kFits};
  double fullest = -1;
  for (size_t i = 0; i < limit.windows.size(); ++i) {
    const rules::Window& window = limit.windows[i];
    const Bucket bucket = FindBucket(limit, i);
    const double level = LevelAt(bucket, window, now_us);
    const int64_t retry =
        RetryAfter(bucket, window, static_cast<double>(units), now_us);
    const double share = level / static_cast<double>(window.burst);
    // The refusing window with the longest wait, else the fullest one.
    const bool tells_more = retry > 0
                                ? retry > answer.retry_after_us
                                : answer.retry_after_us == 0 && share > fullest;
    if (!tells_more) continue;
    fullest = share;
    answer = {.state = retry > 0 ? AnswerState::kOver : AnswerState::kFits,
              .used = WholeUnits(level),
              .allowed = window.burst,
              .retry_after_us = retry};
  }
  return answer;
}

Answer LimitState::Charge(const rules::Limit& limit, uint64_t units,
                          int64_t now_us) {
  const Answer before = Peek(limit, units, now_us);
  if (before.state != AnswerState::kFits) return before;
  Add(limit, static_cast<double>(units), now_us);
  return Peek(limit, 0, now_us);
}

void LimitState::Add(const rules::Limit& limit, double units, int64_t now_us) {
  Adopt(limit);
  for (size_t i = 0; i < limit.windows.size(); ++i) {
    policy::Add(buckets_[i].bucket, limit.windows[i], units, now_us);
  }
}

int64_t LimitState::EmptyAt(const rules::Limit& limit, int64_t now_us) const {
  int64_t after = 0;
  for (size_t i = 0; i < limit.windows.size(); ++i) {
    after = std::max(
        after, EmptyAfter(FindBucket(limit, i), limit.windows[i], now_us));
  }
  return now_us + after;
}

}  // namespace gate::policy
