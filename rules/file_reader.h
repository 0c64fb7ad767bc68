// Where the texts of rule files and lists come from: the disk, or a map in
// tests.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace gate::rules {

class FileReader {
 public:
  virtual ~FileReader() = default;
  // The content; an error says why in the words of strerror. A file of more
  // than kMaxFileBytes, a directory or a device is an error.
  virtual absl::StatusOr<std::string> Read(const std::string& path) = 0;
  // The paths that match `pattern` (fnmatch), in byte order; without a
  // wildcard the path itself.
  virtual std::vector<std::string> Glob(const std::string& pattern) = 0;
  static constexpr size_t kMaxFileBytes = size_t{256} << 20;
};

// Thread-safe.
class DiskReader : public FileReader {
 public:
  absl::StatusOr<std::string> Read(const std::string& path) override;
  std::vector<std::string> Glob(const std::string& pattern) override;
};

bool HasWildcard(std::string_view path);

// `path` as a file beside `from` names it: absolute paths stay.
std::string PathBeside(std::string_view from, std::string_view path);

}  // namespace gate::rules
