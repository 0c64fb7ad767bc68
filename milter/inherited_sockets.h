// Listening sockets that a supervisor has bound and hands down, as systemd
// does: sd_listen_fds(3), environment LISTEN_PID and LISTEN_FDS. The one that
// a setting names by its address is used in the place of a socket of our own,
// so that one policy serves with and without a supervisor.
//
// Order of calls: Take, Claim for each setting, CheckAllClaimed.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "milter/control_stream.h"

namespace gate::milter {

// Owns the descriptors that nobody has claimed yet. Thread-compatible.
class InheritedSockets {
 public:
  // Reads the environment and takes the variables out of it: no child shall
  // think that they are its own. None when they are not there, or are meant
  // for another process. Errors name what was handed down wrongly.
  // Requires: no other thread; `first` is another number in tests only.
  static absl::StatusOr<InheritedSockets> Take(int first = 3);

  // The descriptor bound to this address of a setting, also as "fd:3"; it is
  // the caller's from now on. -1: there is none.
  int Claim(const std::string& address);

  // An error for a socket that no setting named: who connects to it would
  // wait for ever.
  absl::Status CheckAllClaimed() const;

 private:
  struct Socket {
    UniqueFd fd;
    std::string address;
  };

  std::vector<Socket> sockets_;
};

}  // namespace gate::milter
