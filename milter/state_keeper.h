// Keeps what was counted over restarts: reads it at the start, saves it every
// ten seconds and at the end. Neither a file that cannot be read nor a disk
// that cannot be written to keeps the daemon from serving.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "milter/log.h"
#include "milter/stats_report.h"
#include "milter/ticker.h"
#include "policy/clock.h"
#include "policy/state_file.h"

namespace gate::milter {

// What it uses; outlives it.
struct StateContext {
  const policy::Clock& clock;
  policy::Statistics& statistics;
  policy::TopLists& top_lists;
  Log& log;
};

// Thread-safe, but for Start.
class StateKeeper {
 public:
  static constexpr absl::Duration kPeriod = absl::Seconds(10);

  // `files` outlives it.
  StateKeeper(std::string folder, policy::JournalFiles& files,
              const StateContext& context);
  // Saves.
  ~StateKeeper();
  StateKeeper(const StateKeeper&) = delete;
  StateKeeper& operator=(const StateKeeper&) = delete;

  // Goes on from what was saved, then saves again and again.
  // Requires: privileges are dropped, the policy is installed, Roll was not
  // called yet.
  void Start(absl::Duration period = kPeriod);
  void Save() ABSL_LOCKS_EXCLUDED(save_mutex_, mutex_);
  // Does not wait for a save.
  StateReport Report() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Restore();
  void Note(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);

  const std::string folder_;
  const StateContext context_;
  absl::Mutex save_mutex_;  // held while the disk is written to
  policy::StateFile file_ ABSL_GUARDED_BY(save_mutex_);
  mutable absl::Mutex mutex_ ABSL_ACQUIRED_AFTER(save_mutex_);
  std::string fault_ ABSL_GUARDED_BY(mutex_);
  // Of the last save that did not fail; at first, when this began.
  int64_t saved_us_ ABSL_GUARDED_BY(mutex_);
  std::optional<Ticker> ticker_;
};

}  // namespace gate::milter
