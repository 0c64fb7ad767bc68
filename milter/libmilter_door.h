// The door on libmilter: smfiDesc, callbacks, smfi_main. The only file pair
// that knows mfapi.h. How libmilter really behaves: README.md.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "policy/engine.h"
#include "policy/store.h"

namespace gate::milter {

// One per process (libmilter's state is global). Requires: collaborators
// outlive Run.
class LibmilterDoor {
 public:
  LibmilterDoor(policy::Engine& engine, policy::Store& store);

  // Takes over a listening socket (Debian's libmilter: "fd:N").
  absl::Status Attach(int listening_fd);
  // Blocks in smfi_main until Stop or SIGTERM, then until the callbacks that
  // were under way have ended (at most 5 s).
  absl::Status Run();
  // Thread-safe; async-signal-unsafe.
  void Stop();

 private:
  policy::Engine& engine_;
  policy::Store& store_;
};

}  // namespace gate::milter
