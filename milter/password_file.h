// The file of a `password-file` setting: read before privileges are dropped.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace gate::milter {

// Its first line. Unreadable, readable by everybody, or empty: an error.
absl::StatusOr<std::string> ReadPasswordFile(const std::string& path);

}  // namespace gate::milter
