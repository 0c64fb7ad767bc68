// The door that speaks the milter protocol itself, on event loops: each loop
// is a thread, each connection lives on one loop, nothing waits.
//
// Order of calls: BlockSignals, Run (which returns once), Stop from any thread.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "milter/control_stream.h"
#include "milter/door.h"
#include "milter/native_loop.h"

namespace gate::milter {

class NativeDoor : public Door {
 public:
  // `sockets` listen; they are made non-blocking, and stay the caller's.
  // `closed` is called once nobody uses them any more.
  // Requires: SIGPIPE is ignored.
  NativeDoor(const DoorContext& context, std::vector<DoorSocket> sockets,
             const NativeDoorOptions& options, std::function<void()> closed);
  ~NativeDoor() override;

  // How many loops it has.
  static size_t CountLoops(const NativeDoorOptions& options);

  // The first SIGTERM or SIGINT (or Stop): no connection is accepted any more;
  // those that are there go on for drain_us, then all are told 421, and a
  // little later it ends. The second: the end, now.
  absl::Status Run() override;
  // As a signal. Thread-safe.
  void Stop();

 private:
  void AwaitEnd(int signals);
  void Drain();

  const DoorContext context_;
  const std::vector<DoorSocket> sockets_;
  const NativeDoorOptions options_;
  const std::function<void()> closed_;
  LostFeatures lost_features_;
  // Descriptors to wait for: told by Stop, and by loops that have changed.
  UniqueFd stop_;
  UniqueFd progress_;
  LoopContext loop_context_;
  std::vector<std::unique_ptr<NativeLoop>> loops_;
};

}  // namespace gate::milter
