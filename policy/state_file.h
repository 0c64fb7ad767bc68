// The file in the folder of `set state`: what was counted, for the next start.
//
// Read once, before Save. A file that is damaged, or that another program or
// version wrote, is moved aside, never written over.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "policy/journal_files.h"
#include "policy/statistics.h"
#include "policy/top_lists.h"

namespace gate::policy {

struct SavedState {
  int64_t saved_us = 0;           // wall time
  StatisticsSnapshot statistics;  // with all series
  std::vector<SavedTopSlice> top;
};

// The file's bytes: a line that says whose it is, a checksum, a SavedState of
// proto/state.proto.
std::string SerializeState(const SavedState& state);
// An error says what is wrong with the bytes.
absl::StatusOr<SavedState> ParseState(std::string_view bytes);

// Thread-compatible.
class StateFile {
 public:
  // `files` outlives it, and locks no other folder.
  StateFile(std::string folder, JournalFiles& files);

  const std::string& folder() const { return folder_; }
  // What was saved last. NotFound: nothing was. DataLoss: it cannot be used,
  // and is kept under the name that the message says.
  absl::StatusOr<SavedState> Read();
  // After an error, what was saved before is still there.
  absl::Status Save(const SavedState& state);

 private:
  absl::Status Lock();
  absl::Status PutAside(const absl::Status& why);

  const std::string folder_;
  const std::string path_;
  JournalFiles& files_;
  bool locked_ = false;
};

}  // namespace gate::policy
