#include "milter/policy_loader.h"

#include "absl/strings/str_format.h"

namespace gate::milter {

TestedPolicy LoadAndTest(rules::FileReader& reader, const std::string& path,
                         const rules::LoadOptions& options) {
  TestedPolicy result;
  result.load = rules::LoadPolicy(reader, path, options);
  result.report = result.load.Render();
  if (result.load.policy == nullptr) return result;
  result.tests = policy::RunTests(result.load.policy, *result.load.sources);
  result.ok = result.tests.failed == 0;
  if (!result.ok) {
    result.report += result.tests.report;
    absl::StrAppendFormat(&result.report, "%s: %d of %d tests failed\n", path,
                          result.tests.failed,
                          result.tests.failed + result.tests.passed);
  }
  return result;
}

}  // namespace gate::milter
