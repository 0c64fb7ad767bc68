// Statistics for a person at a terminal: what `stats` prints.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "milter/stats_report.h"

namespace gate::milter {

enum class StatsPeriod : uint8_t { kAll, kHour, kDay };

// By what refusals are told apart.
enum class StatsKey : uint8_t { kRule, kStage, kClient, kSender, kRcpt, kUser };

struct StatsView {
  StatsPeriod since = StatsPeriod::kAll;
  StatsKey by = StatsKey::kRule;
};

// "1h", "24h"
std::optional<StatsPeriod> FindStatsPeriod(std::string_view word);
// "rule", "stage", "client", ...
std::optional<StatsKey> FindStatsKey(std::string_view word);

// Top lists have no total: clients, senders, recipients and users of kAll are
// those of the last day.
std::string StatsText(const StatsReport& report, const StatsView& view);

}  // namespace gate::milter
