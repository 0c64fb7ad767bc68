#include "policy/journal_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace gate::policy {
namespace {

constexpr mode_t kFolderMode = 0750;
constexpr mode_t kFileMode = 0640;

absl::Status Failed(const std::string& path) {
  return absl::UnavailableError(absl::StrCat(path, ": ", std::strerror(errno)));
}

absl::Status WriteAll(int fd, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed(path);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

class DiskFile : public JournalFile {
 public:
  DiskFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  DiskFile(const DiskFile&) = delete;
  DiskFile& operator=(const DiskFile&) = delete;
  ~DiskFile() override { close(fd_); }

  absl::Status Append(std::string_view bytes) override {
    struct stat status = {};
    if (fstat(fd_, &status) == 0 && status.st_nlink == 0) {
      return absl::NotFoundError(path_ + ": somebody has removed it");
    }
    absl::Status written = WriteAll(fd_, path_, bytes);
    if (written.ok()) {
      size_ += static_cast<off_t>(bytes.size());
    } else if (ftruncate(fd_, size_) != 0) {
      // Readers pass over half a block.
    }
    return written;
  }

 private:
  const int fd_;
  const std::string path_;
  off_t size_ = 0;  // of what was appended
};

int64_t Microseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

}  // namespace

DiskJournalFiles::~DiskJournalFiles() {
  if (lock_ >= 0) close(lock_);
}

absl::Status DiskJournalFiles::Lock(const std::string& folder) {
  if (mkdir(folder.c_str(), kFolderMode) != 0 && errno != EEXIST) {
    return Failed(folder);
  }
  const std::string path = folder + "/lock";
  if (lock_ < 0) {
    // For reading: it must not keep anybody from making the disk read-only.
    lock_ = open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, kFileMode);
  }
  if (lock_ < 0) return Failed(path);
  if (flock(lock_, LOCK_EX | LOCK_NB) == 0) return absl::OkStatus();
  if (errno != EWOULDBLOCK) return Failed(path);
  return absl::FailedPreconditionError(
      absl::StrCat(folder,
                   ": another gatemilter writes there; give each a folder of "
                   "its own"));
}

absl::StatusOr<std::vector<JournalFiles::Entry>> DiskJournalFiles::List(
    const std::string& folder) {
  DIR* dir = opendir(folder.c_str());
  if (dir == nullptr) return Failed(folder);
  std::vector<Entry> entries;
  while (const dirent* found = readdir(dir)) {
    struct stat status = {};
    const bool file = fstatat(dirfd(dir), found->d_name, &status, 0) == 0 &&
                      S_ISREG(status.st_mode);
    if (!file) continue;
    entries.push_back({.name = found->d_name,
                       .bytes = static_cast<uint64_t>(status.st_size),
                       .modified_us = Microseconds(status.st_mtim)});
  }
  closedir(dir);
  return entries;
}

absl::StatusOr<std::unique_ptr<JournalFile>> DiskJournalFiles::Create(
    const std::string& path) {
  const int fd =
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC,
           kFileMode);
  if (fd < 0) return Failed(path);
  return std::make_unique<DiskFile>(fd, path);
}

absl::Status DiskJournalFiles::Replace(const std::string& path,
                                       std::string_view bytes) {
  const std::string fresh = path + ".new";
  // What a crash has left, or a link that somebody laid there.
  if (unlink(fresh.c_str()) != 0 && errno != ENOENT) return Failed(fresh);
  const int fd =
      open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
           kFileMode);
  if (fd < 0) return Failed(fresh);
  absl::Status status = WriteAll(fd, fresh, bytes);
  if (status.ok() && fsync(fd) != 0) status = Failed(fresh);
  close(fd);
  if (status.ok() && std::rename(fresh.c_str(), path.c_str()) != 0) {
    status = Failed(path);
  }
  if (!status.ok()) unlink(fresh.c_str());
  return status;
}

absl::Status DiskJournalFiles::Touch(const std::string& path) {
  if (utimensat(AT_FDCWD, path.c_str(), nullptr, 0) != 0) return Failed(path);
  return absl::OkStatus();
}

absl::Status DiskJournalFiles::Remove(const std::string& path) {
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return Failed(path);
  return absl::OkStatus();
}

}  // namespace gate::policy
