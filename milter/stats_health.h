// What `stats` says of how gatemilter is, besides what its rules decided.
#pragma once

#include <string>
#include <vector>

#include "milter/stats_report.h"

namespace gate::milter {

// Policy, connections, store, journal, saved state, lists; what is wrong.
void AddHead(const StatsReport& report, std::string& out);
void AddCounters(const policy::StatisticsSnapshot& statistics,
                 std::string& out);
void AddLatency(const policy::StatisticsSnapshot& statistics, std::string& out);
void AddUnknown(const std::vector<UnknownFactReport>& facts, std::string& out);

}  // namespace gate::milter
