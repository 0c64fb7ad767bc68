// `gatemilter serve`: loads the policy, binds the sockets, drops privileges,
// wires everything (it alone knows every concrete type), runs the door, and
// reloads on SIGUSR1 or on request.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "rules/load.h"

namespace gate::milter {

inline constexpr const char* kDefaultPolicyFile =
    "/etc/gatemilter/policy.rules";

struct DaemonOptions {
  std::string policy_file = kDefaultPolicyFile;
  rules::LoadOptions load;
};

// Blocks until the door has stopped. Faults of the policy are already printed
// to stderr when it returns an error.
absl::Status Serve(const DaemonOptions& options);

}  // namespace gate::milter
