// Names of the files in a journal's folder. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gate::policy {

// "20261124T050000.123456Z.journal": when it was begun, UTC. Their order is
// that of time.
std::string SegmentName(int64_t wall_us);
bool IsSegmentName(std::string_view name);
// Requires: IsSegmentName.
int64_t SegmentTime(std::string_view name);

// "policy-0123456789abcdef.zst"
std::string PolicyFileName(uint64_t number);
bool IsPolicyFileName(std::string_view name);

}  // namespace gate::policy
