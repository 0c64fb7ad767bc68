// The daemon's background thread: reloads the policy on SIGUSR1, and on SIGHUP
// where the door leaves that to us (libmilter takes it to stop), and looks
// once a second for changed list files.
#pragma once

#include <cstdint>
#include <thread>

#include "milter/control_stream.h"
#include "milter/reloader.h"

namespace gate::milter {

// Thread-compatible.
class ReloadThread {
 public:
  enum class Signals : uint8_t { kUser, kUserAndHangUp };

  // Requires: Door::BlockSignals; `reloader` outlives this.
  ReloadThread(Reloader& reloader, Signals signals);
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
