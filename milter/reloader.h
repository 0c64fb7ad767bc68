// Keeps the running policy up to date: loads it again when told to, and its
// lists when their files change. Any fault keeps what is installed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "milter/control.h"
#include "milter/file_watch.h"
#include "milter/log.h"
#include "policy/clock.h"
#include "policy/engine.h"
#include "rules/load.h"

namespace gate::milter {

// What a policy was loaded from, and how.
struct PolicyOrigin {
  std::string file;
  rules::LoadOptions load;
  int64_t read_since_ns = 0;  // wall clock: when reading it began
};

// Thread-safe: the control thread, the signal thread and the watch use it.
class Reloader {
 public:
  // `policy` came from `origin` and is installed here. Collaborators must
  // outlive the reloader.
  Reloader(rules::FileReader& reader, const policy::Clock& clock,
           policy::Engine& engine, Log& log, const PolicyOrigin& origin,
           const std::shared_ptr<const rules::Policy>& policy);

  // Loads, checks and tests the policy anew and installs it if all is well;
  // logs the outcome.
  ReloadReport Reload() ABSL_LOCKS_EXCLUDED(mutex_);
  // Reads the lists again if a file of theirs has changed; to be called now
  // and then.
  void PollLists() ABSL_LOCKS_EXCLUDED(mutex_);

  // When the installed policy was. Never waits for a reload, as the next one.
  policy::Now installed_at() const ABSL_LOCKS_EXCLUDED(times_mutex_);
  // When the file that a list's contents come from last changed before they
  // were read; wall time. 0: nobody knows.
  int64_t ListChangedUs(const std::string& file) const
      ABSL_LOCKS_EXCLUDED(times_mutex_);

 private:
  void Install(const std::shared_ptr<const rules::Policy>& policy,
               int64_t read_since_ns) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteListTimes(const rules::Policy& policy)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LogReload(const ReloadReport& report);
  int64_t WallNs() const { return clock_.Read().wall_us * 1000; }

  rules::FileReader& reader_;
  const policy::Clock& clock_;
  policy::Engine& engine_;
  Log& log_;
  const PolicyOrigin origin_;
  const rules::Settings started_;  // what needs a restart keeps these values

  absl::Mutex mutex_;  // one reload at a time; the event path never takes it
  FileWatch watch_ ABSL_GUARDED_BY(mutex_);
  mutable absl::Mutex times_mutex_;
  policy::Now installed_at_ ABSL_GUARDED_BY(times_mutex_);
  // By file.
  absl::flat_hash_map<std::string, int64_t> list_changed_us_
      ABSL_GUARDED_BY(times_mutex_);
};

}  // namespace gate::milter
