// A FileReader over texts in memory.
#pragma once

#include <fnmatch.h>

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "rules/file_reader.h"

namespace gate::rules {

class MapReader : public FileReader {
 public:
  MapReader() = default;
  explicit MapReader(std::map<std::string, std::string> files)
      : files_(std::move(files)) {}

  std::string& operator[](const std::string& path) { return files_[path]; }

  absl::StatusOr<std::string> Read(const std::string& path) override {
    ++reads_;
    const auto found = files_.find(path);
    if (found == files_.end()) {
      return absl::NotFoundError("No such file or directory");
    }
    return found->second;
  }

  std::vector<std::string> Glob(const std::string& pattern) override {
    if (!HasWildcard(pattern)) return {pattern};
    std::vector<std::string> paths;
    for (const auto& [path, text] : files_) {
      if (fnmatch(pattern.c_str(), path.c_str(), FNM_PATHNAME) == 0) {
        paths.push_back(path);
      }
    }
    return paths;
  }

  int reads() const { return reads_; }

 private:
  std::map<std::string, std::string> files_;
  int reads_ = 0;
};

}  // namespace gate::rules
