#include "milter/commands/commands.h"
#include "milter/commands/output.h"

namespace gate::milter::commands {

int RunServe(const DaemonOptions& options) {
  const absl::Status status = Serve(options);
  if (status.ok()) return kOk;
  PrintError(status);
  return kFindings;
}

}  // namespace gate::milter::commands
