// The counters of policy/statistics.h for Prometheus: each a family of its own.
#pragma once

#include "milter/exposition.h"
#include "policy/statistics.h"

namespace gate::milter {

void AddCounters(const policy::StatisticsSnapshot& statistics, Exposition& out);

}  // namespace gate::milter
