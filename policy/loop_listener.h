// A listening socket on a loop, which may share it with other loops: of those
// that wait the kernel wakes one for each connection.
#pragma once

#include <cstddef>
#include <functional>

#include "policy/loop.h"

struct uv_poll_s;

namespace gate::policy {

// Confined to its loop.
class LoopListener {
 public:
  // `accepted` takes each connection's descriptor (non-blocking, closed on
  // exec). `failed` hears errno when the system has none left for us (EMFILE):
  // the listener is paused then. `fd` stays the caller's, must listen and not
  // block.
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
  // Accepts one; more if there were as many the time before: a queue must not
  // wait for many turns, nor every turn ask for what is not there.
  void OnReadable();
  // False: there is none, or the listener was paused.
  bool AcceptOne();
  void WaitExclusively();

  Loop& loop_;
  const int fd_;
  std::function<void(int)> accepted_;
  std::function<void(int)> failed_;
  uv_poll_s* poll_;
  size_t at_once_ = 1;  // in one turn of the loop
  bool exclusive_ = false;
  bool paused_ = true;
};

}  // namespace gate::policy
