// Statistics as JSON: `stats --json` and /api/stats are this text. Its fields:
// gatemilter(8).
#pragma once

#include <string>

#include "milter/stats_report.h"

namespace gate::milter {

// One line.
std::string StatsJson(const StatsReport& report);

}  // namespace gate::milter
