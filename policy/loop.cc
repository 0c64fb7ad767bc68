#include "policy/loop.h"

#include <uv.h>

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <utility>

namespace gate::policy {
namespace {

// Handles belong to libuv until it has closed them: they outlive their owner
// by one turn of the loop.
template <class Handle>
void CloseAndDelete(Handle* handle) {
  handle->data = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(handle), [](uv_handle_t* closed) {
    delete reinterpret_cast<Handle*>(closed);
  });
}

void Check(int result) {
  // libuv fails here only without descriptors or memory, before anything runs.
  if (result != 0) std::abort();
}

}  // namespace

Loop::Loop() : loop_(std::make_unique<uv_loop_t>()), stop_(new uv_async_t) {
  Check(uv_loop_init(loop_.get()));
  Check(uv_async_init(loop_.get(), stop_,
                      [](uv_async_t* async) { uv_stop(async->loop); }));
}

Loop::~Loop() {
  CloseAndDelete(stop_);
  uv_run(loop_.get(), UV_RUN_DEFAULT);
  [[maybe_unused]] const int closed = uv_loop_close(loop_.get());
  assert(closed == 0);
}

void Loop::Run() { uv_run(loop_.get(), UV_RUN_DEFAULT); }

void Loop::Stop() { uv_async_send(stop_); }

int64_t Loop::NowUs() { return static_cast<int64_t>(uv_hrtime() / 1000); }

LoopTimer::LoopTimer(Loop& loop, std::function<void()> callback)
    : callback_(std::move(callback)), timer_(new uv_timer_t) {
  Check(uv_timer_init(loop.handle(), timer_));
  timer_->data = this;
}

LoopTimer::~LoopTimer() { CloseAndDelete(timer_); }

void LoopTimer::Start(int64_t us) {
  // The loop's time is that of its last turn.
  uv_update_time(timer_->loop);
  const auto ms = static_cast<uint64_t>(std::max<int64_t>(0, us) + 999) / 1000;
  uv_timer_start(
      timer_,
      [](uv_timer_t* timer) {
        static_cast<LoopTimer*>(timer->data)->callback_();
      },
      ms, 0);
}

void LoopTimer::Stop() { uv_timer_stop(timer_); }

bool LoopTimer::running() const {
  return uv_is_active(reinterpret_cast<const uv_handle_t*>(timer_)) != 0;
}

LoopWake::LoopWake(Loop& loop, std::function<void()> callback)
    : callback_(std::move(callback)), async_(new uv_async_t) {
  Check(uv_async_init(loop.handle(), async_, [](uv_async_t* async) {
    static_cast<LoopWake*>(async->data)->callback_();
  }));
  async_->data = this;
}

LoopWake::~LoopWake() { CloseAndDelete(async_); }

void LoopWake::Notify() noexcept { uv_async_send(async_); }

}  // namespace gate::policy
