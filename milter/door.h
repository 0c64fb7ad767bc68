// What the MTAs knock at: libmilter's or our own. The daemon runs one.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "milter/log.h"
#include "milter/stores.h"
#include "policy/engine.h"
#include "policy/statistics.h"

namespace gate::milter {

class Door {
 public:
  virtual ~Door() = default;
  // Blocks until the door has stopped, by SIGTERM or SIGINT. kDeadlineExceeded:
  // threads still use the collaborators; leave the process by _exit.
  virtual absl::Status Run() = 0;

  // Signals that a door or the reload waits for: SIGTERM, SIGINT, SIGHUP and
  // SIGUSR1. A thread that does not block them dies of them, and the process
  // with it. To be called before the process has other threads.
  static void BlockSignals();
};

// A listening socket, and what the policy calls it (fact `listener`).
struct DoorSocket {
  int fd = -1;
  std::string name;
};

// The collaborators of a door, which outlive it.
struct DoorContext {
  policy::Engine& engine;
  Stores& stores;
  policy::Statistics& statistics;
  Log& log;
};

// An error in a gatemilter that was built without libmilter.
absl::StatusOr<std::unique_ptr<Door>> MakeLibmilterDoor(
    const DoorContext& context, const DoorSocket& socket);

}  // namespace gate::milter
