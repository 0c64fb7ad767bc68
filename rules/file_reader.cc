#include "rules/file_reader.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "absl/status/status.h"

namespace gate::rules {
namespace {

// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// Owns the result of glob(3).
struct GlobResult {
  GlobResult() = default;
  ~GlobResult() { globfree(&value); }
  GlobResult(const GlobResult&) = delete;
  GlobResult& operator=(const GlobResult&) = delete;
  glob_t value = {};
};

absl::Status SystemError() {
  // strerrordesc_np, unlike strerror, has no state that threads share.
  const char* text = strerrordesc_np(errno);
  return absl::UnavailableError(text ? text : "Unknown error");
}

absl::Status CheckKind(const struct stat& status) {
  if (S_ISDIR(status.st_mode)) {
    return absl::FailedPreconditionError("Is a directory");
  }
  if (!S_ISREG(status.st_mode)) {
    return absl::FailedPreconditionError("Not a regular file");
  }
  if (static_cast<size_t>(status.st_size) > FileReader::kMaxFileBytes) {
    return absl::FailedPreconditionError("File too large");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> DiskReader::Read(const std::string& path) {
  // O_NONBLOCK: opening a FIFO must not wait for its writer.
  const Descriptor file(
      open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) return SystemError();
  struct stat status = {};
  if (fstat(file.get(), &status) != 0) return SystemError();
  if (const absl::Status kind = CheckKind(status); !kind.ok()) return kind;

  std::string text(static_cast<size_t>(status.st_size), '\0');
  size_t size = 0;
  for (;;) {
    // One byte more than expected tells whether the file has grown.
    if (size == text.size()) text.resize(size + 1);
    const ssize_t count =
        read(file.get(), text.data() + size, text.size() - size);
    if (count == 0) break;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError();
    size += static_cast<size_t>(count);
    if (size > kMaxFileBytes) {
      return absl::FailedPreconditionError("File too large");
    }
  }
  text.resize(size);
  return text;
}

std::vector<std::string> DiskReader::Glob(const std::string& pattern) {
  if (!HasWildcard(pattern)) return {pattern};
  GlobResult result;
  if (glob(pattern.c_str(), GLOB_NOSORT, nullptr, &result.value) != 0) {
    return {};
  }
  std::vector<std::string> paths(result.value.gl_pathv,
                                 result.value.gl_pathv + result.value.gl_pathc);
  // glob(3) would sort by the locale.
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool HasWildcard(std::string_view path) {
  return path.find_first_of("*?[") != std::string_view::npos;
}

std::string PathBeside(std::string_view from, std::string_view path) {
  const std::filesystem::path base(from);
  return (base.parent_path() / std::filesystem::path(path))
      .lexically_normal()
      .string();
}

}  // namespace gate::rules
