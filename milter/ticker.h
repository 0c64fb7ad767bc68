// Does something again and again, on a thread of its own.
#pragma once

#include <functional>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace gate::milter {

// Thread-compatible.
class Ticker {
 public:
  // At once, and then each time that `period` has passed since the last end.
  Ticker(absl::Duration period, std::function<void()> tick);
  // Ends the thread; a tick under way is ended first.
  ~Ticker();
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

 private:
  void Run();

  const absl::Duration period_;
  const std::function<void()> tick_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace gate::milter
