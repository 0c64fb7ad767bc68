// What the journal knows of a record: bytes, and the keys it is found by.
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

// As it was written. Views live while the record is being visited.
struct JournalRecord {
  RecordKeys keys;
  std::string_view bytes;
  // What the writer of this segment said of it (JournalOptions::description);
  // empty if that part of the file is damaged.
  std::string_view description;
};

}  // namespace gate::policy
