// A listening socket on a loop, which may share it with other loops: of those
// that wait the kernel wakes one for each connection.
#pragma once

#include <functional>

#include "policy/loop.h"

struct uv_poll_s;

namespace gate::policy {

// Confined to its loop.
class LoopListener {
 public:
  // `accepted` takes each connection's descriptor (non-blocking, closed on
  // exec); one a turn of the loop, so that loops share a burst. `failed` hears
  // errno when the system has none left for us (EMFILE): the listener is
  // paused then. `fd` stays the caller's, must listen and not block.
  LoopListener(Loop& loop, int fd, std::function<void(int fd)> accepted,
               std::function<void(int error)> failed);
  ~LoopListener();
  LoopListener(const LoopListener&) = delete;
  LoopListener& operator=(const LoopListener&) = delete;

  // Connections wait in the system's queue, or go to other loops.
  void Pause();
  // Idempotent, as is Pause.
  void Resume();
  bool paused() const { return paused_; }

 private:
  void OnReadable();
  void WaitExclusively();

  Loop& loop_;
  const int fd_;
  std::function<void(int)> accepted_;
  std::function<void(int)> failed_;
  uv_poll_s* poll_;
  bool exclusive_ = false;
  bool paused_ = true;
};

}  // namespace gate::policy
