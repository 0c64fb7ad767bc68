#include "absl/strings/str_format.h"
#include "milter/commands/commands.h"
#include "milter/commands/output.h"
#include "milter/policy_loader.h"

namespace gate::milter::commands {

int RunTest(const std::vector<std::string>& files) {
  rules::DiskReader reader;
  size_t passed = 0;
  size_t failed = 0;
  bool loaded = true;
  for (const std::string& file : files) {
    const TestedPolicy tested = LoadAndTest(reader, file, {});
    PrintReport(stderr, tested.load.Render());
    loaded = loaded && tested.load.policy != nullptr;
    passed += tested.tests.passed;
    failed += tested.tests.failed;
    for (const policy::TestRun::Outcome& outcome : tested.tests.outcomes) {
      absl::PrintF("%-6s  %s\n%s", outcome.ok ? "ok" : "FAILED", outcome.title,
                   outcome.report);
    }
  }
  absl::PrintF("%s: %d ok, %d failed\n", Count(passed + failed, "test"), passed,
               failed);
  return loaded && failed == 0 ? kOk : kFindings;
}

}  // namespace gate::milter::commands
