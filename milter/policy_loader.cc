#include "milter/policy_loader.h"

#include "absl/strings/str_format.h"

namespace gate::milter {
namespace {

// Tests say what the rules decide. In mode shadow they decide nothing, so the
// same rules are loaded once more without it.
void RunLiveTests(rules::FileReader& reader, const std::string& path,
                  const rules::LoadOptions& options, TestedPolicy& result) {
  rules::LoadOptions live_options = options;
  live_options.live = true;
  const rules::LoadResult live = rules::LoadPolicy(reader, path, live_options);
  if (live.policy == nullptr) {
    result.report += live.Render();  // the files have just changed
    return;
  }
  result.tests = policy::RunTests(live.policy, *live.sources);
  result.ok = result.tests.failed == 0;
}

}  // namespace

TestedPolicy LoadAndTest(rules::FileReader& reader, const std::string& path,
                         const rules::LoadOptions& options) {
  TestedPolicy result;
  result.load = rules::LoadPolicy(reader, path, options);
  result.report = result.load.Render();
  if (result.load.policy == nullptr) return result;
  if (result.load.policy->settings().shadow) {
    RunLiveTests(reader, path, options, result);
  } else {
    result.tests = policy::RunTests(result.load.policy, *result.load.sources);
    result.ok = result.tests.failed == 0;
  }
  if (result.tests.failed > 0) {
    result.report += result.tests.report;
    absl::StrAppendFormat(&result.report, "%s: %d of %d tests failed\n", path,
                          result.tests.failed,
                          result.tests.failed + result.tests.passed);
  }
  return result;
}

}  // namespace gate::milter
