// The control socket: `reload`, `stats` and `tail` ask the daemon over it. It
// and control_stats alone know the generated control.pb.h. Requests are
// answered one after the other on one thread; a slow client is cut after 5 s.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "milter/listener.h"
#include "milter/stats_report.h"

namespace gate::milter {

struct ReloadReport {
  bool installed = false;
  std::string report;  // faults, warnings, failed tests
  std::vector<std::string> needs_restart;
  std::string policy_hash;
  uint32_t rules = 0;
};

// What the server asks its owner. Called on the control thread.
class ControlHandler {
 public:
  virtual ~ControlHandler() = default;
  virtual ReloadReport Reload() = 0;
  virtual StatsReport Stats() = 0;
  // DecisionsJson of those with a number above `after`; if `newest` is not 0,
  // of so many of the newest.
  virtual std::string Tail(uint64_t after, size_t newest) = 0;
};

// The serialised answer to a serialised request; whatever the bytes are.
std::string AnswerControlRequest(std::string_view request,
                                 ControlHandler& handler);

struct ControlServerOptions {
  std::chrono::milliseconds client_deadline{5000};  // to send and to read
};

// Owns the socket and the thread. Thread-compatible.
class ControlServer {
 public:
  ControlServer(Listener listener, ControlHandler& handler,
                const ControlServerOptions& options = {});
  // Stops the thread; a request under way is answered first.
  ~ControlServer();
  void Start();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Where the daemon listens when the policy does not `set control`.
inline constexpr std::string_view kDefaultControlAddress =
    "unix:/run/gatemilter/control.sock";

// Clients; errors name the socket, what happened and the repair.
absl::StatusOr<ReloadReport> AskReload(const std::string& control_address);
absl::StatusOr<StatsReport> AskStats(
    const std::string& control_address,
    std::chrono::seconds patience = std::chrono::seconds(5));
absl::StatusOr<std::string> AskTail(const std::string& control_address,
                                    uint64_t after, size_t newest);

}  // namespace gate::milter
