// What records of decisions are found by.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "rules/ip_address.h"

namespace gate::policy {

struct RecordKeys {
  int64_t wall_us = 0;     // microseconds since 1970-01-01 UTC
  uint64_t reference = 0;  // 40 bits; 0: none
  std::optional<rules::IpAddress> client = {};
  std::string_view queue_id = {};  // empty: none
};

// Those of a record (proto/decision.proto), without reading the rest of it: a
// search looks at millions. Views point into `record`. Empty: it is none.
std::optional<RecordKeys> ReadKeys(std::string_view record);

}  // namespace gate::policy
