#include <cstdio>

#include "absl/strings/str_format.h"
#include "milter/commands/commands.h"
#include "milter/commands/output.h"
#include "milter/control.h"
#include "milter/policy_sockets.h"
#include "milter/stats_json.h"
#include "milter/stats_text.h"

namespace gate::milter::commands {

int RunStats(const StatsOptions& options) {
  const std::string address = ControlAddress(options.control);
  const absl::StatusOr<StatsReport> report = AskStats(address);
  if (!report.ok()) {
    PrintError(report.status());
    return kFindings;
  }
  if (options.control.json) {
    std::puts(StatsJson(*report).c_str());
    return kOk;
  }
  const StatsView view{
      .since = FindStatsPeriod(options.since).value_or(StatsPeriod::kAll),
      .by = FindStatsKey(options.by).value_or(StatsKey::kRule)};
  std::fputs(StatsText(*report, view).c_str(), stdout);
  return kOk;
}

}  // namespace gate::milter::commands
