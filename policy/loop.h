// An event loop, its timers, and wake-ups from other threads.
//
// Make the loop, then what lives on it; Run on one thread until Stop. What
// lives on a loop is made and destroyed on the loop's thread, or while it does
// not run. libuv stays in loop*.cc and redis_wire.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

struct uv_async_s;
struct uv_loop_s;
struct uv_prepare_s;
struct uv_timer_s;

namespace gate::policy {

// Confined to its thread, but for Stop.
class Loop {
 public:
  Loop();
  // Requires: what lived on it is gone. Waits for handles to close.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Until Stop; may be called again.
  void Run();
  // Thread-safe; also before Run, which then returns at once.
  void Stop();
  // Steady microseconds, read now.
  static int64_t NowUs();
  // The same clock as this turn of the loop has read it, in whole
  // milliseconds; costs nothing.
  int64_t TurnUs() const;

  uv_loop_s* handle() { return loop_.get(); }

 private:
  std::unique_ptr<uv_loop_s> loop_;
  uv_async_s* stop_;
};

// Calls back once, some time after Start. Confined to its loop.
class LoopTimer {
 public:
  LoopTimer(Loop& loop, std::function<void()> callback);
  ~LoopTimer();
  LoopTimer(const LoopTimer&) = delete;
  LoopTimer& operator=(const LoopTimer&) = delete;
  // After `us` microseconds, rounded up to milliseconds; replaces an earlier
  // start.
  void Start(int64_t us);
  void Stop();
  bool running() const;

 private:
  std::function<void()> callback_;
  uv_timer_s* timer_;
};

// Calls back on the loop's thread after Notify; several calls may become one.
class LoopWake {
 public:
  LoopWake(Loop& loop, std::function<void()> callback);
  ~LoopWake();
  LoopWake(const LoopWake&) = delete;
  LoopWake& operator=(const LoopWake&) = delete;
  // Thread-safe.
  void Notify() noexcept;

 private:
  std::function<void()> callback_;
  uv_async_s* async_;
};

// Calls back at the end of each turn of the loop, before it waits. Confined to
// its loop.
class LoopTurn {
 public:
  LoopTurn(Loop& loop, std::function<void()> callback);
  ~LoopTurn();
  LoopTurn(const LoopTurn&) = delete;
  LoopTurn& operator=(const LoopTurn&) = delete;

 private:
  std::function<void()> callback_;
  uv_prepare_s* prepare_;
};

}  // namespace gate::policy
