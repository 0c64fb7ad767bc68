// A line in the log for each decision: those of shadow and log rules before
// the verdict's own. Many of them in a second are counted, not written: an
// attack must not cost more to write down than to refuse.
#pragma once

#include <string>
#include <string_view>

#include "milter/line_allowance.h"
#include "milter/log.h"
#include "policy/recorder.h"
#include "policy/statistics.h"

namespace gate::milter {

// Confined to the recorder's thread.
class DecisionLines : public policy::DecisionSink {
 public:
  // `statistics` (its kLogDropped) and `log` outlive it.
  DecisionLines(Log& log, policy::Statistics& statistics);

  void Take(const policy::DecisionRecord& record,
            const policy::PolicyPointer& policy,
            std::string_view bytes) override;

 private:
  void Write(const policy::DecisionRecord& record,
             const policy::PolicyDescription* policy,
             const policy::RecordedNote* note);
  bool MayWrite();

  Log& log_;
  policy::Statistics& statistics_;
  LineAllowance allowance_;
  std::string line_;
};

}  // namespace gate::milter
