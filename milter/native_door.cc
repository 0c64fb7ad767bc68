#include "milter/native_door.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "policy/thread_name.h"

namespace gate::milter {
namespace {

constexpr size_t kMaxLoops = 256;

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// Whether an eventfd was told since it was asked before.
bool Told(int fd) {
  uint64_t count = 0;
  return read(fd, &count, sizeof count) > 0;
}

}  // namespace

NativeDoor::NativeDoor(const DoorContext& context,
                       std::vector<DoorSocket> sockets,
                       const NativeDoorOptions& options,
                       std::function<void()> closed)
    : context_(context),
      sockets_(std::move(sockets)),
      options_(options),
      closed_(std::move(closed)),
      lost_features_(context.log),
      stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)),
      progress_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      loop_context_{.door = context_,
                    .lost_features = lost_features_,
                    .options = options_,
                    .sockets = sockets_,
                    .loops = CountLoops(options),
                    .progress_fd = progress_.get()} {
  for (const DoorSocket& socket : sockets_) {
    fcntl(socket.fd, F_SETFL, fcntl(socket.fd, F_GETFL) | O_NONBLOCK);
  }
  while (loops_.size() < loop_context_.loops) {
    loops_.push_back(std::make_unique<NativeLoop>(loop_context_));
  }
  loop_context_.running = loop_context_.accepting = loops_.size();
}

NativeDoor::~NativeDoor() = default;

size_t NativeDoor::CountLoops(const NativeDoorOptions& options) {
  if (options.loops != 0) return options.loops;
  cpu_set_t processors;
  CPU_ZERO(&processors);
  const bool known = sched_getaffinity(0, sizeof processors, &processors) == 0;
  const int count = known ? CPU_COUNT(&processors) : 1;
  return std::clamp<size_t>(static_cast<size_t>(count), 1, kMaxLoops);
}

absl::Status NativeDoor::Run() {
  const sigset_t stop_signals = StopSignals();
  const UniqueFd signals(
      signalfd(-1, &stop_signals, SFD_CLOEXEC | SFD_NONBLOCK));
  std::vector<std::thread> threads;
  threads.reserve(loops_.size());
  for (const auto& loop : loops_) {
    threads.emplace_back([&loop, number = threads.size() + 1] {
      policy::NameThread(absl::StrCat("loop ", number).c_str());
      loop->Run();
    });
  }
  AwaitEnd(signals.get());
  for (std::thread& thread : threads) thread.join();
  return absl::OkStatus();
}

void NativeDoor::AwaitEnd(int signals) {
  std::array<pollfd, 3> wait = {
      pollfd{.fd = signals, .events = POLLIN, .revents = 0},
      pollfd{.fd = stop_.get(), .events = POLLIN, .revents = 0},
      pollfd{.fd = progress_.get(), .events = POLLIN, .revents = 0}};
  bool told_closed = false;
  bool draining = false;
  int stops = 0;
  while (loop_context_.running > 0) {
    poll(wait.data(), wait.size(), -1);
    signalfd_siginfo received;
    while (read(signals, &received, sizeof received) > 0) ++stops;
    if (Told(stop_.get())) ++stops;
    Told(progress_.get());
    if (stops > 0 && !std::exchange(draining, true)) Drain();
    if (stops > 1) {
      for (const auto& loop : loops_) loop->Stop();
    }
    if (loop_context_.accepting == 0 && !std::exchange(told_closed, true))
      closed_();
  }
  if (!told_closed) closed_();
}

void NativeDoor::Drain() {
  context_.log.Info(absl::StrFormat(
      "stopping: %d connections go on for up to %d s; a second SIGTERM ends "
      "them now",
      loop_context_.connections.load(), options_.drain_us / 1'000'000));
  for (const auto& loop : loops_) loop->Drain();
}

void NativeDoor::Stop() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(stop_.get(), &one, sizeof one);
}

}  // namespace gate::milter
