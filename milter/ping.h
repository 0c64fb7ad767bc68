// Whether a milter is there: the MTA's side of the first packet of its
// protocol, for `gatemilter ping`.
#pragma once

#include <chrono>
#include <string>

#include "absl/status/status.h"

namespace gate::milter {

// Connects, negotiates as an MTA does, and says good-bye. `address` is one of
// socket_address.h. Errors say what happened, within `patience`.
absl::Status PingMilter(const std::string& address,
                        std::chrono::seconds patience);

}  // namespace gate::milter
