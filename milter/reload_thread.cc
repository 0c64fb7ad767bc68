#include "milter/reload_thread.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "policy/thread_name.h"

namespace gate::milter {
namespace {

constexpr int kListPollMs = 1000;

sigset_t SetOf(ReloadThread::Signals signals) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  if (signals == ReloadThread::Signals::kUserAndHangUp) {
    sigaddset(&set, SIGHUP);
  }
  return set;
}

}  // namespace

ReloadThread::ReloadThread(Reloader& reloader, Signals signals)
    : reloader_(reloader), stop_(eventfd(0, EFD_CLOEXEC)) {
  const sigset_t set = SetOf(signals);
  signals_ = UniqueFd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  thread_ = std::thread([this] { Run(); });
}

ReloadThread::~ReloadThread() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written =
      write(stop_.get(), &one, sizeof(one));
  thread_.join();
}

void ReloadThread::Run() {
  policy::NameThread("reload");
  std::array<pollfd, 2> wait = {
      pollfd{.fd = signals_.get(), .events = POLLIN, .revents = 0},
      pollfd{.fd = stop_.get(), .events = POLLIN, .revents = 0}};
  while (true) {
    poll(wait.data(), wait.size(), kListPollMs);
    if (wait[1].revents != 0) return;
    signalfd_siginfo received;
    if (read(signals_.get(), &received, sizeof(received)) > 0) {
      reloader_.Reload();
    } else {
      reloader_.PollLists();
    }
  }
}

}  // namespace gate::milter
