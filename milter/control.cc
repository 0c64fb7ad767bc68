#include "milter/control.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "control.pb.h"
#include "milter/control_stats.h"
#include "milter/control_stream.h"
#include "policy/thread_name.h"

namespace gate::milter {
namespace {

constexpr size_t kMaxRequestBytes = size_t{1} << 20;
// A policy of 100,000 rules has statistics of some megabytes.
constexpr size_t kMaxAnswerBytes = size_t{64} << 20;
constexpr std::chrono::seconds kStatsDeadline{5};
// Large lists are read and all tests are run before the answer.
constexpr std::chrono::seconds kReloadDeadline{300};

void Encode(const ReloadReport& report, v1::ReloadResponse& out) {
  out.set_installed(report.installed);
  out.set_report(report.report);
  for (const std::string& setting : report.needs_restart) {
    out.add_needs_restart(setting);
  }
  out.set_policy_hash(report.policy_hash);
  out.set_rules(report.rules);
}

ReloadReport Decode(const v1::ReloadResponse& in) {
  return {
      .installed = in.installed(),
      .report = in.report(),
      .needs_restart = {in.needs_restart().begin(), in.needs_restart().end()},
      .policy_hash = in.policy_hash(),
      .rules = in.rules()};
}

// One request and its answer over a connection of its own.
absl::StatusOr<v1::ControlResponse> Ask(const std::string& address,
                                        const v1::ControlRequest& request,
                                        std::chrono::seconds patience) {
  const auto error = [&address](absl::string_view what) {
    return absl::UnavailableError(
        absl::StrCat("control socket ", address, ": ", what));
  };
  const auto fd = ConnectControl(address);
  if (!fd.ok()) return fd.status();
  const Deadline deadline = std::chrono::steady_clock::now() + patience;
  if (const auto status =
          SendMessage(fd->get(), request.SerializeAsString(), deadline);
      !status.ok()) {
    return error(status.message());
  }
  const auto answer = ReceiveMessage(fd->get(), kMaxAnswerBytes, deadline);
  if (absl::IsDeadlineExceeded(answer.status())) {
    return error(absl::StrCat("no answer within ", patience.count(), " s"));
  }
  if (!answer.ok()) return error(answer.status().message());
  v1::ControlResponse response;
  if (!response.ParseFromString(*answer)) {
    return error("the answer is not gatemilter's");
  }
  if (!response.error().empty()) return error(response.error());
  return response;
}

}  // namespace

std::string AnswerControlRequest(std::string_view request,
                                 ControlHandler& handler) {
  v1::ControlRequest parsed;
  v1::ControlResponse response;
  const bool valid =
      request.size() <= kMaxRequestBytes &&
      parsed.ParseFromArray(request.data(), static_cast<int>(request.size()));
  if (valid && parsed.has_reload()) {
    Encode(handler.Reload(), *response.mutable_reload());
  } else if (valid && parsed.has_stats()) {
    EncodeStats(handler.Stats(), *response.mutable_stats());
  } else if (valid && parsed.has_tail()) {
    response.mutable_tail()->set_json(
        handler.Tail(parsed.tail().after(), parsed.tail().newest()));
  } else {
    response.set_error("this gatemilter does not know the request");
  }
  return response.SerializeAsString();
}

struct ControlServer::Impl {
  Listener listener;
  ControlHandler& handler;
  ControlServerOptions options;
  UniqueFd stop{eventfd(0, EFD_CLOEXEC)};
  std::thread thread;

  void Run();
  // False when the server was told to stop.
  bool WaitForClient() const;
  void Serve(int client);
};

bool ControlServer::Impl::WaitForClient() const {
  std::array<pollfd, 2> wait = {
      pollfd{.fd = listener.fd(), .events = POLLIN, .revents = 0},
      pollfd{.fd = stop.get(), .events = POLLIN, .revents = 0}};
  while (poll(wait.data(), wait.size(), -1) < 0 && errno == EINTR) {
  }
  return wait[1].revents == 0;
}

void ControlServer::Impl::Run() {
  policy::NameThread("control");
  while (WaitForClient()) {
    const UniqueFd client(
        accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
    if (client.get() >= 0) {
      Serve(client.get());
    } else if (errno == EMFILE || errno == ENFILE) {
      // The client stays in the queue; do not spin until it can be accepted.
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
}

// A client that fails is its own concern: it sees the connection end.
void ControlServer::Impl::Serve(int client) {
  const auto request = ReceiveMessage(
      client, kMaxRequestBytes,
      std::chrono::steady_clock::now() + options.client_deadline);
  if (!request.ok()) return;
  const std::string answer = AnswerControlRequest(*request, handler);
  SendMessage(client, answer,
              std::chrono::steady_clock::now() + options.client_deadline)
      .IgnoreError();
}

ControlServer::ControlServer(Listener listener, ControlHandler& handler,
                             const ControlServerOptions& options)
    : impl_(new Impl{.listener = std::move(listener),
                     .handler = handler,
                     .options = options,
                     .thread = {}}) {
  // A client that goes away between poll and accept must not block the thread.
  const int fd = impl_->listener.fd();
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

ControlServer::~ControlServer() {
  if (!impl_->thread.joinable()) return;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written =
      write(impl_->stop.get(), &one, sizeof(one));
  impl_->thread.join();
}

void ControlServer::Start() {
  impl_->thread = std::thread([this] { impl_->Run(); });
}

absl::StatusOr<ReloadReport> AskReload(const std::string& control_address) {
  v1::ControlRequest request;
  request.mutable_reload();
  const auto response = Ask(control_address, request, kReloadDeadline);
  if (!response.ok()) return response.status();
  return Decode(response->reload());
}

absl::StatusOr<StatsReport> AskStats(const std::string& control_address,
                                     std::chrono::seconds patience) {
  v1::ControlRequest request;
  request.mutable_stats();
  const auto response = Ask(control_address, request, patience);
  if (!response.ok()) return response.status();
  return DecodeStats(response->stats());
}

absl::StatusOr<std::string> AskTail(const std::string& control_address,
                                    uint64_t after, size_t newest) {
  v1::ControlRequest request;
  request.mutable_tail()->set_after(after);
  request.mutable_tail()->set_newest(static_cast<uint32_t>(newest));
  const auto response = Ask(control_address, request, kStatsDeadline);
  if (!response.ok()) return response.status();
  return response->tail().json();
}

}  // namespace gate::milter
