// The daemon's background thread: reloads the policy on SIGUSR1 and looks
// once a second for changed list files. Not SIGHUP: libmilter takes that (and
// SIGTERM, SIGINT) to stop.
#pragma once

#include <thread>

#include "milter/control_stream.h"
#include "milter/reloader.h"

namespace gate::milter {

// Thread-compatible.
class ReloadThread {
 public:
  // Blocks SIGUSR1 in this thread and all that it starts from now on.
  // To be called before the first thread of the process.
  static void BlockSignal();

  // Requires: BlockSignal; `reloader` outlives this.
  explicit ReloadThread(Reloader& reloader);
  // Stops the thread; a reload under way is ended first.
  ~ReloadThread();

 private:
  void Run();

  Reloader& reloader_;
  UniqueFd signals_;
  UniqueFd stop_;
  std::thread thread_;
};

}  // namespace gate::milter
