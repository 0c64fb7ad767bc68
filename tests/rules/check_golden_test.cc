// Every fault that `check` can report, as operators read it.

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>

#include "rules/load.h"
#include "tests/golden_files.h"

namespace gate::rules {
namespace {

// Files beside the golden, under names without their folder.
class FolderReader : public FileReader {
 public:
  explicit FolderReader(std::filesystem::path folder)
      : folder_(std::move(folder)) {}

  absl::StatusOr<std::string> Read(const std::string& path) override {
    return disk_.Read((folder_ / path).string());
  }

  std::vector<std::string> Glob(const std::string& pattern) override {
    std::vector<std::string> paths = disk_.Glob((folder_ / pattern).string());
    for (std::string& path : paths) {
      path = std::filesystem::path(path).lexically_relative(folder_).string();
    }
    return paths;
  }

 private:
  std::filesystem::path folder_;
  DiskReader disk_;
};

LoadResult Load(const std::filesystem::path& input) {
  FolderReader reader(input.parent_path());
  return LoadPolicy(reader, input.filename().string());
}

TEST(CheckGoldens, FaultsReadAsExpected) {
  testing::CheckGoldens(
      "check", ".rules",
      [](const std::filesystem::path& input) { return Load(input).Render(); });
}

TEST(CheckGoldens, NoFaultyPolicyIsMade) {
  for (const auto& input : testing::GoldenInputs("check", ".rules")) {
    const LoadResult result = Load(input);
    EXPECT_EQ(result.policy == nullptr, result.diagnostics.has_errors())
        << input;
  }
}

// Takes patterns of 256 MB: too much for every run.
constexpr DiagnosticId kWithoutGolden = DiagnosticId::kPolicyTooLarge;

TEST(CheckGoldens, EachIdHasOneNamedAfterIt) {
  std::set<std::string> missing;
  for (const DiagnosticId id : AllDiagnosticIds()) {
    if (id != kWithoutGolden) missing.emplace(IdText(id));
  }
  for (const auto& input : testing::GoldenInputs("check", ".rules")) {
    const LoadResult result = Load(input);
    for (const Diagnostic& fault : result.diagnostics.all()) {
      if (input.stem() == IdText(fault.id)) missing.erase(input.stem());
    }
  }
  for (const std::string& id : missing) {
    ADD_FAILURE() << "no golden tests/golden/check/" << id << ".rules with ["
                  << id << "]";
  }
}

TEST(CheckGoldens, ThereAreSixtyFaults) {
  size_t faults = 0;
  for (const auto& input : testing::GoldenInputs("check", ".rules")) {
    faults += Load(input).diagnostics.all().size();
  }
  EXPECT_GE(faults, 60u);
}

}  // namespace
}  // namespace gate::rules
