// Policies from texts, for tests.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rules/load.h"

namespace gate::policy {

// Files in memory.
class MapFileReader : public rules::FileReader {
 public:
  absl::StatusOr<std::string> Read(const std::string& path) override {
    const auto found = files.find(path);
    if (found == files.end()) return absl::NotFoundError("no such file");
    return found->second;
  }
  std::vector<std::string> Glob(const std::string& pattern) override {
    return {pattern};
  }

  std::map<std::string, std::string> files;
};

// Null, and a test failure, when the text has faults.
inline std::shared_ptr<const rules::Policy> PolicyOf(
    std::string text, const rules::LoadOptions& options = {}) {
  MapFileReader reader;
  reader.files["policy.rules"] = std::move(text);
  const rules::LoadResult loaded =
      rules::LoadPolicy(reader, "policy.rules", options);
  EXPECT_TRUE(loaded.policy) << loaded.Render();
  return loaded.policy;
}

}  // namespace gate::policy
