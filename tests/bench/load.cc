#include "tests/bench/load.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/milter/mta_client.h"

namespace gate::bench {
namespace {

constexpr size_t kMostFaults = 5;
constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kSilenceNs = 30 * kSecondNs;

void RaiseDescriptorLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Whether the last packet of an answer begins with `expected`. Counts those
// before it.
bool Fits(std::string_view answer, std::string_view expected,
          int64_t& changes) {
  while (true) {
    const size_t size = 4 + size_t{milter::NumberAt(answer, 0)};
    if (size >= answer.size()) return answer.substr(4).starts_with(expected);
    if (answer[4] != 'p') ++changes;
    answer.remove_prefix(size);
  }
}

}  // namespace

Load::Load(ScriptSource& source, const LoadOptions& options,
           ReplyRecord* record)
    : source_(source),
      options_(options),
      record_(record),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      buffer_(size_t{1} << 16) {
  address_.sun_family = AF_UNIX;
  options_.socket.copy(address_.sun_path, sizeof address_.sun_path - 1);
  for (int i = 0; i < options_.connections; ++i) {
    connections_.push_back(std::make_unique<LoadConnection>());
    free_.push_back(connections_.back().get());
  }
}

Load::~Load() {
  for (const int fd : idle_) close(fd);
  close(epoll_);
}

absl::StatusOr<LoadReport> Load::Run() {
  RaiseDescriptorLimit();
  if (absl::Status status = Negotiate(); !status.ok()) return status;
  report_.before = UsageOf(options_.filter);
  if (options_.idle > 0) {
    Phase filling{.sessions = options_.idle, .keep = true};
    Play(filling);
    report_.idle = static_cast<int>(filling.ended);
    for (Latency& each : report_.latency) each = {};
    report_.changes = 0;
  }
  report_.settled = UsageOf(options_.filter);
  Phase phase{.sessions = options_.sessions, .rate = options_.rate};
  if (options_.seconds > 0) {
    phase.end_ns = NowNs() + static_cast<int64_t>(options_.seconds * kSecondNs);
  }
  const int64_t own_ns = UsageOf(getpid()).cpu_ns;
  Play(phase);
  report_.own_cpu_ns = UsageOf(getpid()).cpu_ns - own_ns;
  report_.seconds = static_cast<double>(NowNs() - phase.begin_ns) / kSecondNs;
  report_.sessions = phase.ended;
  report_.after = UsageOf(options_.filter);
  CheckIdle();
  return std::move(report_);
}

// Before the load begins, so that making the bytes is not measured.
absl::Status Load::Negotiate() {
  milter::MtaClient client(options_.socket);
  if (!client.Negotiate()) {
    return absl::UnavailableError(
        absl::StrCat(options_.socket, ": no milter answers there"));
  }
  absl::Status made = source_.Prepare(
      {.agreed = client.agreed(), .macros = client.wanted_macros()});
  client.Quit();
  return made;
}

bool Load::MayStart(const Phase& phase, int64_t now) const {
  return report_.faults.empty() &&
         (phase.sessions == 0 || phase.started < phase.sessions) &&
         (phase.end_ns == 0 || now < phase.end_ns);
}

int64_t Load::Patience(const Phase& phase) const {
  const int64_t now = NowNs();
  if (phase.rate <= 0 || !MayStart(phase, now) || free_.empty()) {
    return kSilenceNs;
  }
  const auto due =
      phase.begin_ns + static_cast<int64_t>(static_cast<double>(phase.started) *
                                            kSecondNs / phase.rate);
  return std::max<int64_t>(due - now, 0);
}

void Load::StartWhatIsDue(Phase& phase) {
  while (!free_.empty() && MayStart(phase, NowNs()) &&
         (phase.rate <= 0 || Patience(phase) == 0)) {
    LoadConnection& connection = *free_.back();
    free_.pop_back();
    ++phase.started;
    Start(connection);
  }
}

void Load::Start(LoadConnection& connection) {
  const SessionScript& script = source_.Next();
  if (!connection.Open(address_, script, *this)) {
    source_.Ended(script);
    free_.push_back(&connection);
    return;
  }
  epoll_event event = {.events = EPOLLIN, .data = {.ptr = &connection}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd(), &event);
}

void Load::Play(Phase& phase) {
  std::array<epoll_event, 256> ready = {};
  phase.begin_ns = NowNs();
  StartWhatIsDue(phase);
  while (free_.size() < connections_.size() || MayStart(phase, NowNs())) {
    const int64_t patience = Patience(phase);
    const timespec time = {.tv_sec = patience / kSecondNs,
                           .tv_nsec = patience % kSecondNs};
    const int count = epoll_pwait2(
        epoll_, ready.data(), static_cast<int>(ready.size()), &time, nullptr);
    if (count == 0 && patience == kSilenceNs) {
      return Broken("no answer within 30 s");
    }
    for (int i = 0; i < count; ++i) {
      Ready(
          *static_cast<LoadConnection*>(ready[static_cast<size_t>(i)].data.ptr),
          phase);
    }
    StartWhatIsDue(phase);
  }
}

void Load::Ready(LoadConnection& connection, Phase& phase) {
  const LoadConnection::State state = connection.Go(buffer_);
  if (state == LoadConnection::State::kWaiting) return;
  free_.push_back(&connection);
  if (state == LoadConnection::State::kPlayed) Played(connection, phase);
  source_.Ended(connection.script());
}

void Load::Played(LoadConnection& connection, Phase& phase) {
  ++phase.ended;
  if (phase.keep) {
    epoll_ctl(epoll_, EPOLL_CTL_DEL, connection.fd(), nullptr);
    idle_.push_back(connection.Release());
    return;
  }
  ++report_.kinds[connection.script().kind->name];
  connection.Quit();
}

bool Load::Answered(char command, uint32_t event, const MixKind& kind,
                    std::string_view answer, int64_t nanoseconds) {
  const bool negotiating = command == 'O';
  if (negotiating && negotiation_.empty()) negotiation_ = answer;
  std::string_view expected = options_.do_nothing || negotiating
                                  ? std::string_view("c")
                                  : kind.events[event].expected;
  if (negotiating) expected = std::string_view(negotiation_).substr(4);
  if (!Fits(answer, expected, report_.changes)) {
    Broken(absl::StrFormat("%s: %s was answered \"%s\", expected: \"%s\"",
                           kind.name, std::string(EventName(command)),
                           absl::CEscape(std::string(answer.substr(4, 60))),
                           absl::CEscape(std::string(expected))));
    return false;
  }
  if (record_ != nullptr && !record_->Add(command, answer)) {
    Broken(absl::StrFormat("%s: not every %s is answered alike", kind.name,
                           std::string(EventName(command))));
    return false;
  }
  report_.latency[LoadReport::kEvents.find(command)].Add(nanoseconds);
  return true;
}

void Load::Broken(const std::string& what) {
  if (report_.faults.size() < kMostFaults) report_.faults.push_back(what);
}

// Nobody may have closed them meanwhile.
void Load::CheckIdle() {
  for (const int fd : idle_) {
    if (recv(fd, buffer_.data(), 1, MSG_DONTWAIT) < 0 && errno == EAGAIN) {
      continue;
    }
    Broken("an idle connection was closed, or was told something");
    return;
  }
}

}  // namespace gate::bench
