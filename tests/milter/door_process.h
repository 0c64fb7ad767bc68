// A door in a process of its own (libmilter's state is global), with a policy
// of the test's, on a unix socket below a temporary folder.
#pragma once

#include <sys/types.h>

#include <string>

#include "tests/mta/temp_dir.h"

namespace gate::milter {

enum class DoorKind { kLibmilter, kNative };
// "Libmilter", "Native": for names of tests.
std::string DoorName(DoorKind kind);

// That the process had died is a failure of the running test. To be made before
// the test has threads: the process is forked, and locks that a thread holds
// would stay locked in it. Thread-compatible.
class DoorProcess {
 public:
  DoorProcess(DoorKind kind, const std::string& policy);
  DoorProcess(const DoorProcess&) = delete;
  DoorProcess& operator=(const DoorProcess&) = delete;
  ~DoorProcess();

  // Connections are taken from the constructor on.
  std::string path() const { return folder_.path() + "/gate.sock"; }
  // How the process ended: its signal, or its exit code negated.
  int Stop(int signal);

 private:
  mta::TempDir folder_;
  pid_t child_ = 0;
};

}  // namespace gate::milter
