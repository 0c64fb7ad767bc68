// The statistics of an answer over the control socket.
#pragma once

#include "milter/stats_report.h"

namespace gate::v1 {
class StatsResponse;
}

namespace gate::milter {

void EncodeStats(const StatsReport& report, v1::StatsResponse& out);
// What this version does not know is left out.
StatsReport DecodeStats(const v1::StatsResponse& in);

}  // namespace gate::milter
