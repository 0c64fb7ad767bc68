// The control socket: `reload`, `stats` and `version` ask the daemon over it.
// The only file pair that knows the generated control.pb.h. Requests are
// answered one after the other on one thread; a slow client is cut after 5 s.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "milter/listener.h"
#include "policy/statistics.h"

namespace gate::milter {

struct ReloadReport {
  bool installed = false;
  std::string report;  // faults, warnings, failed tests
  std::vector<std::string> needs_restart;
  std::string policy_hash;
  uint32_t rules = 0;
};

struct StatsReport {
  policy::StatisticsSnapshot statistics;
  std::string policy_hash;
  std::string policy_file;
  uint64_t uptime_seconds = 0;
  uint64_t policy_age_seconds = 0;
  uint64_t store_entries = 0;
  uint64_t store_evicted = 0;
};

// What the server asks its owner. Called on the control thread.
class ControlHandler {
 public:
  virtual ~ControlHandler() = default;
  virtual ReloadReport Reload() = 0;
  virtual StatsReport Stats() = 0;
};

class ControlServer {
 public:
  ControlServer(Listener listener, ControlHandler& handler);
  ~ControlServer();  // stops the thread
  void Start();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Clients; errors name the socket, what happened and the repair.
absl::StatusOr<ReloadReport> AskReload(const std::string& control_address);
absl::StatusOr<StatsReport> AskStats(const std::string& control_address);

}  // namespace gate::milter
