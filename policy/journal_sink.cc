#include "policy/journal_sink.h"

#include <cassert>

#include "policy/record_mask.h"

namespace gate::policy {
void JournalSink::Take(const DecisionRecord&, const PolicyPointer& policy,
                       std::string_view bytes) {
  if (policy && !policy->journal_privacy) {
    journal_.Append(bytes);
    return;
  }
  // Also where nobody knows what the policy wanted.
  const auto masked = MaskRecord(bytes);
  assert(masked);
  if (!masked) return statistics_.Count(Counter::kFailures);
  journal_.Append(*masked);
}

void JournalSink::Installed(const PolicyPointer& policy) {
  journal_.PutPolicy(policy->number, Serialize(*policy));
}

}  // namespace gate::policy
