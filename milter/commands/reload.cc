#include "absl/strings/str_format.h"
#include "milter/commands/commands.h"
#include "milter/commands/output.h"
#include "milter/control.h"
#include "milter/policy_sockets.h"

namespace gate::milter::commands {

int RunReload(const ControlOptions& options) {
  const std::string address = ControlAddress(options);
  const absl::StatusOr<ReloadReport> report = AskReload(address);
  if (!report.ok()) {
    PrintError(report.status());
    return kFindings;
  }
  PrintReport(stderr, report->report);
  if (!report->installed) {
    absl::FPrintF(stderr,
                  "gatemilter: not reloaded: the running policy stays\n");
    return kFindings;
  }
  for (const std::string& setting : report->needs_restart) {
    absl::FPrintF(stderr,
                  "gatemilter: `set %s` differs from the running one: it "
                  "needs a restart\n",
                  setting);
  }
  absl::PrintF("reloaded: %s, hash %s\n", Count(report->rules, "rule"),
               report->policy_hash);
  return kOk;
}

}  // namespace gate::milter::commands
