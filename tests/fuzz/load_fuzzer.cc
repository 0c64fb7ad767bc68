// Any text through all phases: a policy or errors, never both, and no crash.
//
// A line `%% NAME` begins another file, so that includes and list files are
// reached as well.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "rules/load.h"
#include "tests/rules/map_reader.h"

namespace {

using gate::rules::LoadResult;
using gate::rules::MapReader;

MapReader Split(std::string_view input) {
  MapReader reader;
  std::string name = "policy.rules";
  while (!input.empty()) {
    const size_t end = input.find('\n');
    const std::string_view line = input.substr(0, end);
    if (line.starts_with("%% ")) {
      name = line.substr(3);
    } else {
      reader[name] += std::string(line) + "\n";
    }
    input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
  }
  return reader;
}

void Require(bool holds, const char* what, const LoadResult& result) {
  if (holds) return;
  std::fprintf(stderr, "%s:\n%s\n", what, result.Render().c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(data, data + size);
  MapReader reader = Split(input);
  const LoadResult result = LoadPolicy(reader, "policy.rules");
  const bool errors = result.diagnostics.has_errors();
  Require(errors == (result.policy == nullptr),
          "a policy with errors, or "
          "neither",
          result);
  Require(errors <= !result.Render().empty(), "an error unsaid", result);
  if (result.policy == nullptr) return 0;
  const auto lists =
      ReloadLists(reader, *result.policy, *result.policy->list_contents());
  Require(lists.lists != nullptr, "unchanged lists are refused", result);
  return 0;
}
