// Statistics as bytes (proto/statistics.proto), for the control socket and the
// state file, and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "policy/statistics.h"

namespace gate::policy {

std::string SerializeStatistics(const StatisticsSnapshot& snapshot);

// None: the bytes are no statistics. What this version does not know (a stage,
// an action, a counter of another one) is left out.
std::optional<StatisticsSnapshot> ParseStatistics(std::string_view bytes);

}  // namespace gate::policy
