// The journal's folder, for its writer: the segment being written, those
// before it, and the descriptions of policies; keeps all within its bounds.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "policy/journal_files.h"

namespace gate::policy {

struct JournalBounds {
  std::string folder;
  int64_t keep_us = int64_t{14} * 24 * 3600 * 1'000'000;
  uint64_t max_bytes = uint64_t{4} << 30;  // of all segments
};

// Thread-compatible.
class JournalFolder {
 public:
  // `files` outlives it.
  JournalFolder(const JournalBounds& bounds, JournalFiles& files)
      : bounds_(bounds), files_(files) {}

  // Reads what is there. An error: the folder cannot be used.
  absl::Status Open(int64_t now_us);
  // Appends a block, to a new segment if need be, and removes the oldest ones
  // to make room. After an error nothing of it is kept, and the next block goes
  // to a new segment.
  absl::Status Append(std::string_view block, int64_t now_us);
  // Keeps the description of the policy that decides from now on.
  absl::Status PutPolicy(uint64_t number, std::string_view description);
  // Removes what is too old; Append does it, too, with each new segment.
  void RemoveOld(int64_t now_us);
  // What could not be removed the last time, too old or to make room. Append
  // goes on all the same, as long as all keeps within its bytes.
  const absl::Status& left_over() const {
    return too_old_.ok() ? in_the_way_ : too_old_;
  }
  // Whether the disk takes what a block needs; leaves nothing.
  absl::Status Try();

  size_t segments() const { return segments_.size(); }
  uint64_t bytes() const { return bytes_; }  // of all segments
  // When the oldest segment was begun, as its file says; 0: there is none.
  int64_t oldest_us() const;
  // The paths of all segments, the newest first.
  std::vector<std::string> NewestFirst() const;

 private:
  struct Segment {
    std::string name;
    uint64_t bytes = 0;
    int64_t begun_us = 0;   // unknown (0) of those that were there before
    int64_t newest_us = 0;  // of the last write
  };
  std::string Path(const std::string& name) const {
    return bounds_.folder + '/' + name;
  }
  bool IsFull(const Segment& segment, size_t more, int64_t now_us) const;
  absl::Status Begin(int64_t now_us);
  // Begins a segment if the block needs one, and makes room.
  absl::Status MakeReady(size_t block_bytes, int64_t now_us);
  absl::Status MakeRoom(size_t block_bytes);
  void Abandon();
  absl::Status TouchPolicy();
  absl::Status Remove(size_t index);
  absl::Status RemoveOldSegments(int64_t now_us);
  absl::Status RemoveOldPolicies(int64_t now_us);

  const JournalBounds bounds_;
  JournalFiles& files_;
  std::deque<Segment> segments_;       // by name
  std::unique_ptr<JournalFile> open_;  // the last of segments_
  uint64_t bytes_ = 0;
  uint64_t policy_ = 0;  // the last one that was put; 0: none
  std::string packed_policy_;
  absl::Status too_old_;     // as RemoveOld went
  absl::Status in_the_way_;  // as MakeRoom went
};

}  // namespace gate::policy
