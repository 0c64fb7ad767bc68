// The door on libmilter: smfiDesc, callbacks, smfi_main. The only file pair
// that knows mfapi.h. How libmilter really behaves: README.md.
//
// Order of calls: BlockSignals, Attach, Run (which returns once), Stop from
// any thread.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "milter/door.h"
#include "milter/log.h"
#include "milter/lost_features.h"
#include "policy/engine.h"
#include "policy/statistics.h"
#include "policy/store.h"

namespace gate::milter {

// One per process (libmilter's state is global). Requires: the collaborators
// outlive Run; when Run says that callbacks are still under way, they must
// stay: leave the process by _exit.
class LibmilterDoor : public Door {
 public:
  LibmilterDoor(policy::Engine& engine, policy::Store& store,
                policy::Statistics& statistics, Log& log);
  LibmilterDoor(const LibmilterDoor&) = delete;
  LibmilterDoor& operator=(const LibmilterDoor&) = delete;

  // Takes a duplicate of a listening socket: the descriptor (and a unix
  // socket's path) stays the caller's.
  // `name` is the socket's (fact `listener`); may be empty.
  absl::Status Attach(int listening_fd, std::string name);
  // Blocks in smfi_main until Stop, SIGTERM, SIGINT or SIGHUP (libmilter
  // takes all three), then until the callbacks that were under way have ended.
  // kDeadlineExceeded: some had not after 5 s.
  absl::Status Run() override;
  // Thread-safe; async-signal-unsafe. Takes up to 5 s (libmilter polls).
  void Stop();

 private:
  friend class LibmilterCallbacks;

  policy::Engine& engine_;
  policy::Store& store_;
  policy::Statistics& statistics_;
  LostFeatures lost_features_;
  std::string listener_;
};

}  // namespace gate::milter
