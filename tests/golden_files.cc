#include "tests/golden_files.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

namespace gate::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kExpected = ".expected";

fs::path ExpectedOf(fs::path input) {
  return input.replace_extension(kExpected);
}

bool Updating() {
  const char* value = std::getenv("UPDATE_GOLDENS");
  return value != nullptr && std::string_view(value) == "1";
}

void CheckGolden(const fs::path& input, const std::string& produced) {
  const fs::path expected = ExpectedOf(input);
  const bool exists = fs::exists(expected);
  if (exists && ReadFile(expected) == produced) return;
  if (Updating()) {
    std::ofstream(expected, std::ios::binary) << produced;
    ADD_FAILURE() << expected << " was rewritten";
  } else if (exists) {
    EXPECT_EQ(produced, ReadFile(expected)) << "from " << input;
  } else {
    ADD_FAILURE() << expected << " is missing (UPDATE_GOLDENS=1 writes it); "
                  << "produced:\n"
                  << produced;
  }
}

}  // namespace

fs::path GoldenFolder(std::string_view folder) {
  return fs::path(GATE_SOURCE_DIR) / "tests" / "golden" / folder;
}

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.is_open()) << path;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<fs::path> GoldenInputs(std::string_view folder,
                                   std::string_view extension) {
  std::vector<fs::path> inputs;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(GoldenFolder(folder))) {
    if (entry.path().extension() == extension) inputs.push_back(entry.path());
  }
  std::sort(inputs.begin(), inputs.end());
  return inputs;
}

void CheckGoldens(std::string_view folder, std::string_view extension,
                  const std::function<std::string(const fs::path&)>& produce) {
  const std::vector<fs::path> inputs = GoldenInputs(folder, extension);
  EXPECT_FALSE(inputs.empty()) << GoldenFolder(folder);
  std::set<fs::path> expected;
  for (const fs::path& input : inputs) {
    SCOPED_TRACE(input.filename().string());
    CheckGolden(input, produce(input));
    expected.insert(ExpectedOf(input));
  }
  for (const fs::path& path : GoldenInputs(folder, kExpected)) {
    EXPECT_TRUE(expected.contains(path)) << path << " has no input";
  }
}

}  // namespace gate::testing
