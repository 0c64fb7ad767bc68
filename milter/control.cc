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
#include "milter/control_stream.h"

namespace gate::milter {
namespace {

constexpr size_t kMaxRequestBytes = size_t{1} << 20;
// A policy of 100,000 rules has statistics of some megabytes.
constexpr size_t kMaxAnswerBytes = size_t{64} << 20;
constexpr std::chrono::seconds kStatsDeadline{5};
// Large lists are read and all tests are run before the answer.
constexpr std::chrono::seconds kReloadDeadline{300};

// The records number stages and actions from 1 in the order of our enums.
static_assert(v1::STAGE_CONNECT ==
              1 + static_cast<int>(rules::Stage::kConnect));
static_assert(v1::STAGE_MESSAGE ==
              1 + static_cast<int>(rules::Stage::kMessage));
static_assert(v1::ACTION_ACCEPT ==
              1 + static_cast<int>(rules::Action::kAccept));
static_assert(v1::ACTION_BAN == 1 + static_cast<int>(rules::Action::kBan));

// Another version's is nothing that this one could name.
bool IsKnown(v1::Stage stage) {
  return stage >= v1::STAGE_CONNECT && stage <= v1::STAGE_MESSAGE;
}

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

void Encode(const policy::StatisticsSnapshot& snapshot,
            v1::StatsResponse& out) {
  for (const policy::RuleCount& rule : snapshot.rules) {
    v1::RuleCount& count = *out.add_rules();
    count.set_stage(static_cast<v1::Stage>(1 + static_cast<int>(rule.stage)));
    count.set_rule(rule.rule);
    count.set_action(
        static_cast<v1::Action>(1 + static_cast<int>(rule.action)));
    count.set_shadow(rule.shadow);
    count.set_count(rule.count);
  }
  for (size_t i = 0; i < snapshot.counters.size(); ++i) {
    v1::Counter& counter = *out.add_counters();
    counter.set_name(
        std::string(policy::CounterName(static_cast<policy::Counter>(i))));
    counter.set_value(snapshot.counters[i]);
  }
  for (const policy::DurationCount& duration : snapshot.durations) {
    v1::DurationCount& count = *out.add_durations();
    count.set_up_to_us(duration.up_to_us);
    count.set_count(duration.count);
  }
}

policy::StatisticsSnapshot DecodeSnapshot(const v1::StatsResponse& in) {
  policy::StatisticsSnapshot snapshot;
  for (const v1::RuleCount& rule : in.rules()) {
    if (!IsKnown(rule.stage()) || rule.action() < v1::ACTION_ACCEPT ||
        rule.action() > v1::ACTION_BAN) {
      continue;
    }
    snapshot.rules.push_back(
        {.stage = static_cast<rules::Stage>(rule.stage() - 1),
         .rule = rule.rule(),
         .action = static_cast<rules::Action>(rule.action() - 1),
         .shadow = rule.shadow(),
         .count = rule.count()});
  }
  for (const v1::Counter& counter : in.counters()) {
    for (size_t i = 0; i < snapshot.counters.size(); ++i) {
      if (counter.name() ==
          policy::CounterName(static_cast<policy::Counter>(i))) {
        snapshot.counters[i] = counter.value();
      }
    }
  }
  for (const v1::DurationCount& duration : in.durations()) {
    snapshot.durations.push_back(
        {.up_to_us = duration.up_to_us(), .count = duration.count()});
  }
  return snapshot;
}

void Encode(const StoreReport& report, v1::StoreState& out) {
  out.set_name(report.name);
  out.set_shared(report.shared);
  out.set_why(report.why);
  out.set_entries(report.entries);
  out.set_evicted(report.evicted);
}

StoreReport Decode(const v1::StoreState& in) {
  return {.name = in.name(),
          .shared = in.shared(),
          .why = in.why(),
          .entries = in.entries(),
          .evicted = in.evicted()};
}

void Encode(const UnknownFactReport& unknown, v1::UnknownFact& out) {
  out.set_fact(unknown.fact);
  out.set_macros(unknown.macros);
  out.set_mta(unknown.mta);
  out.set_events(unknown.events);
  for (const RuleName& rule : unknown.rules) {
    v1::RuleName& name = *out.add_rules();
    name.set_stage(static_cast<v1::Stage>(1 + static_cast<int>(rule.stage)));
    name.set_rule(rule.label);
  }
  out.set_mend(unknown.mend);
}

std::vector<UnknownFactReport> DecodeUnknown(const v1::StatsResponse& in) {
  std::vector<UnknownFactReport> facts;
  for (const v1::UnknownFact& unknown : in.unknown_facts()) {
    facts.push_back({.fact = unknown.fact(),
                     .macros = unknown.macros(),
                     .mta = unknown.mta(),
                     .events = unknown.events(),
                     .rules = {},
                     .mend = unknown.mend()});
    for (const v1::RuleName& rule : unknown.rules()) {
      if (!IsKnown(rule.stage())) continue;
      facts.back().rules.push_back(
          {.stage = static_cast<rules::Stage>(rule.stage() - 1),
           .label = rule.rule()});
    }
  }
  return facts;
}

void Encode(const StatsReport& report, v1::StatsResponse& out) {
  Encode(report.statistics, out);
  for (const UnknownFactReport& unknown : report.unknown_facts) {
    Encode(unknown, *out.add_unknown_facts());
  }
  out.set_policy_hash(report.policy_hash);
  out.set_policy_file(report.policy_file);
  out.set_version(report.version);
  out.set_uptime_seconds(report.uptime_seconds);
  out.set_policy_age_seconds(report.policy_age_seconds);
  Encode(report.store, *out.mutable_store());
}

StatsReport Decode(const v1::StatsResponse& in) {
  return {.statistics = DecodeSnapshot(in),
          .unknown_facts = DecodeUnknown(in),
          .policy_hash = in.policy_hash(),
          .policy_file = in.policy_file(),
          .version = in.version(),
          .uptime_seconds = in.uptime_seconds(),
          .policy_age_seconds = in.policy_age_seconds(),
          .store = Decode(in.store())};
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
    Encode(handler.Stats(), *response.mutable_stats());
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

absl::StatusOr<StatsReport> AskStats(const std::string& control_address) {
  v1::ControlRequest request;
  request.mutable_stats();
  const auto response = Ask(control_address, request, kStatsDeadline);
  if (!response.ok()) return response.status();
  return Decode(response->stats());
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
