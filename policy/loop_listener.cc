#include "policy/loop_listener.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <uv.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "policy/loop_handle.h"

namespace gate::policy {
namespace {

constexpr size_t kMostAtOnce = 64;

}  // namespace

LoopListener::LoopListener(Loop& loop, int fd,
                           std::function<void(int)> accepted,
                           std::function<void(int)> failed)
    : loop_(loop),
      fd_(fd),
      accepted_(std::move(accepted)),
      failed_(std::move(failed)),
      poll_(new uv_poll_t) {
  uv::Check(uv_poll_init(loop.handle(), poll_, fd));
  poll_->data = this;
  Resume();
}

LoopListener::~LoopListener() { uv::CloseAndDelete(poll_); }

void LoopListener::Pause() {
  if (std::exchange(paused_, true)) return;
  uv_poll_stop(poll_);
  exclusive_ = false;
}

void LoopListener::Resume() {
  if (!std::exchange(paused_, false)) return;
  uv_poll_start(poll_, UV_READABLE, [](uv_poll_t* poll, int, int) {
    static_cast<LoopListener*>(poll->data)->OnReadable();
  });
}

// libuv has no word for EPOLLEXCLUSIVE, and without it every connection wakes
// every loop. Where it is registered (it is: it woke us), the descriptor may be
// registered anew in the set that libuv shows; `data` is what libuv looks for.
void LoopListener::WaitExclusively() {
  exclusive_ = true;
  const int set = uv_backend_fd(loop_.handle());
  epoll_event event = {};
  event.data.fd = fd_;
  epoll_ctl(set, EPOLL_CTL_DEL, fd_, &event);
  event.events = EPOLLIN | EPOLLEXCLUSIVE;
  if (epoll_ctl(set, EPOLL_CTL_ADD, fd_, &event) == 0) return;
  event.events = EPOLLIN;
  epoll_ctl(set, EPOLL_CTL_ADD, fd_, &event);
}

void LoopListener::OnReadable() {
  if (!exclusive_) WaitExclusively();
  size_t accepted = 0;
  while (accepted < at_once_ && AcceptOne()) ++accepted;
  at_once_ = accepted < at_once_ ? std::max<size_t>(accepted, 1)
                                 : std::min(2 * at_once_, kMostAtOnce);
}

bool LoopListener::AcceptOne() {
  const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    accepted_(fd);
    return !paused_;
  }
  const int error = errno;
  // Else another loop was first, or it is about a connection that has failed
  // already (accept(2)).
  if (error == EMFILE || error == ENFILE || error == ENOBUFS ||
      error == ENOMEM) {
    Pause();
    failed_(error);
  }
  return false;
}

}  // namespace gate::policy
