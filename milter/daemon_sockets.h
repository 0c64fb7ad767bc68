// The sockets that the daemon listens on: opened before privileges are dropped.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "milter/listener.h"
#include "rules/policy.h"

namespace gate::milter {

struct DaemonSockets {
  std::vector<Listener> milter;  // in the order of the settings, one or more
  Listener control;
  std::optional<Listener> web;  // of `set metrics`

  // Errors name the socket and the repair.
  static absl::StatusOr<DaemonSockets> Open(const rules::Settings& settings,
                                            const std::string& policy_file);
  // "http://127.0.0.1:9554/"; empty: there is no page.
  std::string PageUrl() const;
};

}  // namespace gate::milter
