#include "tests/rules/policy_text.h"

#include <cstdio>
#include <cstdlib>

#include "tests/rules/map_reader.h"

namespace gate::rules {

std::shared_ptr<const Policy> CompileText(const std::string& text,
                                          const LoadOptions& options) {
  MapReader reader({{"test.rules", text}});
  LoadResult result = LoadPolicy(reader, "test.rules", options);
  if (result.policy == nullptr) {
    std::fputs((text + "\n" + result.Render()).c_str(), stderr);
    std::abort();
  }
  return result.policy;
}

}  // namespace gate::rules
