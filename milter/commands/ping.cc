#include "milter/ping.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_format.h"
#include "milter/commands/commands.h"
#include "milter/commands/output.h"
#include "milter/control.h"
#include "milter/policy_sockets.h"

namespace gate::milter::commands {
namespace {

using std::chrono::steady_clock;

// A milter that nobody answers for means mail that nobody decides about; the
// control socket is for people.
constexpr int kMilterAway = 2;
constexpr int kControlAway = 1;

// Prints what became of one socket, and returns the exit status for it.
template <class Ping>
int Try(const std::string& name, int if_away, Ping ping) {
  const steady_clock::time_point begin = steady_clock::now();
  const absl::Status status = ping();
  const std::chrono::duration<double, std::milli> took =
      steady_clock::now() - begin;
  if (status.ok()) {
    absl::PrintF("%s: answered in %.1f ms\n", name, took.count());
    return kOk;
  }
  absl::PrintF("%s\n", status.message());
  return if_away;
}

int TryMilter(const std::string& address, std::chrono::seconds patience) {
  if (address.starts_with("fd:")) {
    absl::PrintF("milter %s: a descriptor has no address: name its socket\n",
                 address);
    return kControlAway;
  }
  return Try("milter " + address, kMilterAway,
             [&] { return PingMilter(address, patience); });
}

}  // namespace

int RunPing(const PingOptions& options) {
  const std::chrono::seconds patience(options.timeout_s);
  std::vector<std::string> sockets = options.sockets;
  if (sockets.empty()) {
    rules::DiskReader reader;
    sockets = FindMilterAddresses(reader, options.control.policy_file);
  }
  if (sockets.empty()) {
    PrintError(absl::NotFoundError(
        absl::StrFormat("%s: no `set socket` is there; name the socket",
                        options.control.policy_file)));
    return kMilterAway;
  }
  int exit_code = kOk;
  for (const std::string& address : sockets) {
    exit_code = std::max(exit_code, TryMilter(address, patience));
  }
  const std::string control = ControlAddress(options.control);
  return std::max(exit_code,
                  Try("control socket " + control, kControlAway,
                      [&] { return AskStats(control, patience).status(); }));
}

}  // namespace gate::milter::commands
