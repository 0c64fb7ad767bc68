#include "policy/loop.h"

#include <uv.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "policy/loop_handle.h"

namespace gate::policy {
namespace {

using uv::Check;
using uv::CloseAndDelete;

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

int64_t Loop::TurnUs() const {
  return static_cast<int64_t>(uv_now(loop_.get())) * 1000;
}

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

LoopTurn::LoopTurn(Loop& loop, std::function<void()> callback)
    : callback_(std::move(callback)), prepare_(new uv_prepare_t) {
  Check(uv_prepare_init(loop.handle(), prepare_));
  prepare_->data = this;
  Check(uv_prepare_start(prepare_, [](uv_prepare_t* prepare) {
    static_cast<LoopTurn*>(prepare->data)->callback_();
  }));
}

LoopTurn::~LoopTurn() { CloseAndDelete(prepare_); }

}  // namespace gate::policy
