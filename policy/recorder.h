// From the event path to those who show and keep decisions: a decision becomes
// a record (decision_writer.h), waits in a bounded queue, and is handed to all
// sinks by one background thread. A full queue is counted (kRecordsDropped),
// never waited for.
//
// The queue is sharded by thread: a loop finds its shard's lock free but for
// the moment in which the background thread takes what is there. One mutex of
// all is taken by the loop that wakes that thread: once in 20 ms at most.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "policy/decision_record.h"
#include "policy/event_log.h"
#include "policy/policy_description.h"
#include "policy/statistics.h"

namespace gate::policy {

using PolicyPointer = std::shared_ptr<const PolicyDescription>;

// Called by the recorder's thread alone.
class DecisionSink {
 public:
  virtual ~DecisionSink() = default;
  // `bytes` is the record. `policy` is null when it is not known any more.
  // May throw where there is no memory: that sink lacks this record.
  virtual void Take(const DecisionRecord& record, const PolicyPointer& policy,
                    std::string_view bytes) = 0;
  // What was taken belongs together: there is no more for the moment. Also
  // called about once a second while nothing comes. May throw as Take.
  virtual void EndBatch() {}
  // A policy comes into service; decisions of it may be taken before and long
  // after. Called by the thread that installs it.
  virtual void Installed(const PolicyPointer&) {}
};

// Thread-safe.
class Recorder : public EventLog {
 public:
  using TellMissingMacro = std::function<void(const MissingMacro&)>;
  // All outlive the recorder.
  Recorder(Statistics& statistics, TellMissingMacro tell_missing_macro,
           std::vector<DecisionSink*> sinks);
  // Hands over what is queued.
  ~Recorder() override;

  // Until what was decided before is handed over; false: that took longer.
  bool Flush(absl::Duration patience);

  void Decided(const Decision& decision) noexcept override;
  void MacroMissing(const MissingMacro& missing) noexcept override;
  void Installed(const std::shared_ptr<const rules::Policy>& policy) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gate::policy
