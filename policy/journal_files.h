// The journal's folder as a collaborator: what its writer does with files, so
// that tests have disks that are full, slow or read-only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gate::policy {

// A file being written. Thread-compatible.
class JournalFile {
 public:
  virtual ~JournalFile() = default;
  // All or an error, after which nothing of it is there as far as the disk lets
  // it be taken back. NotFound: somebody has removed the file.
  virtual absl::Status Append(std::string_view bytes) = 0;
};

// Errors name the file and say why in the words of strerror. Thread-compatible.
class JournalFiles {
 public:
  virtual ~JournalFiles() = default;
  // Makes the folder (0750) if only its last part is missing, and keeps others
  // from writing in it until the JournalFiles is gone. After an error it may be
  // called again. Requires: each time for the same folder.
  virtual absl::Status Lock(const std::string& folder) = 0;
  struct Entry {
    std::string name;
    uint64_t bytes = 0;
    int64_t modified_us = 0;  // wall time
  };
  virtual absl::StatusOr<std::vector<Entry>> List(
      const std::string& folder) = 0;
  // A new file (0640); an error if there is one of that name.
  virtual absl::StatusOr<std::unique_ptr<JournalFile>> Create(
      const std::string& path) = 0;
  // The whole file (0640) or, after an error, what was there before.
  virtual absl::Status Replace(const std::string& path,
                               std::string_view bytes) = 0;
  // Sets the time of its last change to now.
  virtual absl::Status Touch(const std::string& path) = 0;
  virtual absl::Status Remove(const std::string& path) = 0;
};

class DiskJournalFiles : public JournalFiles {
 public:
  DiskJournalFiles() = default;
  ~DiskJournalFiles() override;
  DiskJournalFiles(const DiskJournalFiles&) = delete;
  DiskJournalFiles& operator=(const DiskJournalFiles&) = delete;

  absl::Status Lock(const std::string& folder) override;
  absl::StatusOr<std::vector<Entry>> List(const std::string& folder) override;
  absl::StatusOr<std::unique_ptr<JournalFile>> Create(
      const std::string& path) override;
  absl::Status Replace(const std::string& path,
                       std::string_view bytes) override;
  absl::Status Touch(const std::string& path) override;
  absl::Status Remove(const std::string& path) override;

 private:
  int lock_ = -1;
};

}  // namespace gate::policy
