// The journal's writing side: records go through a bounded queue to a thread
// that packs them into blocks and keeps the folder within its bounds. Nobody
// who appends waits for a disk.
//
// Open, PutPolicy, then Append as often as there is something to keep. What
// the destructor finds in the queue is written. No block waits longer than a
// second: a kill loses no more than that. Nothing waits for fsync.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "policy/clock.h"
#include "policy/journal_files.h"
#include "policy/journal_folder.h"

namespace gate::policy {

struct JournalOptions {
  JournalBounds bounds;
  size_t queue_bytes = size_t{8} << 20;
};

// Told once for each change, by the writer's thread.
class JournalObserver {
 public:
  virtual ~JournalObserver() = default;
  // Records are dropped from now on: `why` names file and reason.
  virtual void JournalFailed(const std::string& why) noexcept = 0;
  // They are written again; so many were dropped meanwhile.
  virtual void JournalRecovered(uint64_t dropped) noexcept = 0;
  // A file that must go cannot be removed; records are written all the same.
  // Not told again before that has been mended.
  virtual void JournalLeftOver(const std::string& why) noexcept = 0;
};

struct JournalGauges {
  uint64_t queued_bytes = 0;
  uint64_t queue_bytes = 0;  // so many may be queued
  uint64_t records = 0;      // written since Open
  uint64_t bytes = 0;        // written since Open
  uint64_t dropped = 0;      // records since Open
  uint64_t segments = 0;     // files
  uint64_t disk_bytes = 0;   // of all segments
  int64_t oldest_us = 0;     // wall time of the oldest record; 0: none
  std::string error;         // why it does not write now; empty: it does
};

// What Open found of those that wrote before.
struct JournalFound {
  uint64_t last_reference = 0;  // 0: none
  uint64_t damaged_blocks = 0;  // in the newest segment
  uint64_t cut_blocks = 0;      // there, too: 1 after a kill
};

// Thread-safe; one mutex, held to copy one record.
class JournalWriter {
 public:
  // An error: the folder is not there or not writable, or another gatemilter
  // writes in it. The collaborators outlive it.
  static absl::StatusOr<std::unique_ptr<JournalWriter>> Open(
      const JournalOptions& options, JournalFiles& files, const Clock& clock,
      JournalObserver& observer);
  ~JournalWriter();
  JournalWriter(const JournalWriter&) = delete;
  JournalWriter& operator=(const JournalWriter&) = delete;

  const JournalFound& found() const;

  // Copies a record (proto/decision.proto). False: dropped, and counted: the
  // queue is full. Requires: at most 64 KiB.
  bool Append(std::string_view record) noexcept;

  // The description of the policy that records refer to from now on. Returns
  // at once.
  void PutPolicy(uint64_t number, std::string_view description);

  // Until all that was appended before is written or dropped; false: that
  // took longer.
  bool Flush(absl::Duration patience);

  JournalGauges Gauges() const;

 private:
  struct Impl;
  explicit JournalWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gate::policy
