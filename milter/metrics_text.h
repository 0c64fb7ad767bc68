// The numbers of a report for Prometheus: what /metrics answers.
//
// Its counters begin at 0 with each start: after a kill the last seconds are
// not in what was saved, and Prometheus takes a counter that went back for one
// that began anew, and would add all of its history once more.
//
// Label sets are bounded: rules, limits and lists by the policy and by
// kMostLabels. Clients, senders, recipients and users are no labels: strangers
// choose them; the page and `stats --by` have those.
#pragma once

#include <string>

#include "milter/stats_report.h"

namespace gate::milter {

// So many rules, limits and lists have samples of their own; the others are
// added up under the name "(others)", which none can have.
inline constexpr size_t kMostLabels = 1000;

std::string MetricsText(const StatsReport& report);

}  // namespace gate::milter
