#include "policy/latest_decisions.h"

#include <algorithm>

namespace gate::policy {

void LatestDecisions::Take(const DecisionRecord&, const PolicyPointer& policy,
                           std::string_view bytes) {
  const absl::MutexLock lock(&mutex_);
  KeptDecision decision;
  // The memory of the oldest serves the newest.
  while (kept_.size() >= kKept ||
         (!kept_.empty() && bytes_ + bytes.size() > kMaxKeptBytes)) {
    decision = std::move(kept_.front());
    kept_.pop_front();
    bytes_ -= decision.bytes.size();
  }
  decision.number = last_ + 1;
  decision.bytes.assign(bytes);
  decision.policy = policy;
  kept_.push_back(std::move(decision));
  // Now that nothing throws any more.
  ++last_;
  bytes_ += bytes.size();
}

LatestDecisions::Page LatestDecisions::After(uint64_t after,
                                             size_t most) const {
  const absl::MutexLock lock(&mutex_);
  if (after > last_) after = 0;
  const uint64_t first = last_ - kept_.size() + 1;  // kept_ has no gaps
  const uint64_t from = std::max(after + 1, first);
  Page page{.decisions = {}, .next = after, .missed = from - after - 1};
  const auto begin = kept_.begin() + static_cast<std::ptrdiff_t>(from - first);
  const size_t count = std::min(most, static_cast<size_t>(last_ + 1 - from));
  page.decisions.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
  page.next = from - 1 + count;
  return page;
}

LatestDecisions::Page LatestDecisions::Newest(size_t most) const {
  const absl::MutexLock lock(&mutex_);
  const size_t count = std::min(most, kept_.size());
  return {.decisions = {kept_.end() - static_cast<std::ptrdiff_t>(count),
                        kept_.end()},
          .next = last_,
          .missed = 0};
}

}  // namespace gate::policy
