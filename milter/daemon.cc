#include "milter/daemon.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "milter/control.h"
#include "milter/daemon_sockets.h"
#include "milter/descriptors.h"
#include "milter/door.h"
#include "milter/listener.h"
#include "milter/log.h"
#include "milter/metrics_text.h"
#include "milter/missing_macro.h"
#include "milter/native_door.h"
#include "milter/observers.h"
#include "milter/password_file.h"
#include "milter/policy_loader.h"
#include "milter/privileges.h"
#include "milter/reload_thread.h"
#include "milter/reloader.h"
#include "milter/state_keeper.h"
#include "milter/stats_json.h"
#include "milter/stores.h"
#include "milter/ticker.h"
#include "milter/web.h"
#include "policy/clock.h"
#include "policy/engine.h"
#include "policy/latest_decisions.h"
#include "policy/recorder.h"
#include "policy/reference.h"
#include "policy/statistics.h"

namespace gate::milter {
namespace {

// Of the first answer to the page.
constexpr size_t kPageShows = 200;
// For decisions, and for lines, when callbacks do not end.
constexpr absl::Duration kLastWords = absl::Seconds(2);

// Requires: privileges are not dropped yet.
absl::StatusOr<WebOptions> ReadWebOptions(const rules::Settings& settings) {
  WebOptions options;
  if (settings.web_password_file.empty()) return options;
  absl::StatusOr<std::string> password =
      ReadPasswordFile(settings.web_password_file);
  if (!password.ok()) return password.status();
  options.password = *std::move(password);
  return options;
}

std::string Addresses(const std::vector<Listener>& listeners) {
  return absl::StrJoin(listeners, ", ",
                       [](std::string* out, const Listener& listener) {
                         out->append(listener.address());
                         if (listener.inherited()) out->append(" (inherited)");
                       });
}

// `set node`, or what the host's name comes to.
uint32_t NodeOf(const rules::Settings& settings) {
  if (settings.node) return *settings.node;
  std::array<char, 256> host = {};
  gethostname(host.data(), host.size() - 1);
  return policy::NodeOfHost(host.data());
}

class Daemon : public ControlHandler, public WebSource {
 public:
  Daemon(rules::FileReader& reader, const PolicyOrigin& origin,
         const std::shared_ptr<const rules::Policy>& policy,
         const std::optional<policy::RedisOptions>& redis)
      : policy_file_(origin.file),
        settings_(policy->settings()),
        log_(settings_.log, statistics_, settings_.log_format),
        observers_(settings_, {clock_, statistics_, top_lists_, log_}),
        stores_(redis, log_),
        references_(NodeOf(settings_),
                    policy::TickAfter(observers_.last_reference(),
                                      clock_.Read().wall_us)),
        engine_(clock_, statistics_, observers_.events(), references_),
        reloader_(reader, clock_, engine_, log_, origin, policy) {
    if (!settings_.state.empty()) {
      state_.emplace(settings_.state, state_files_,
                     StateContext{clock_, statistics_, top_lists_, log_});
      state_->Start();
    }
    roll_.emplace(absl::Seconds(1),
                  [this] { statistics_.Roll(clock_.Read().wall_us); });
  }

  void LogWarnings(std::string_view report) { log_.WarningLines(report); }
  // Requires: privileges are dropped.
  absl::Status Run(DaemonSockets sockets, const WebOptions& web_options);

  ReloadReport Reload() override { return reloader_.Reload(); }
  StatsReport Stats() override;
  std::string MetricsText() override {
    return milter::MetricsText(Report(/*series=*/0));
  }
  std::string Tail(uint64_t after, size_t newest) override;

  std::string StatsJson() override { return milter::StatsJson(Stats()); }
  std::string DecisionsJson(std::optional<uint64_t> after) override {
    return after ? Tail(*after, /*newest=*/0) : Tail(/*after=*/0, kPageShows);
  }
  std::string WhyJson(const std::string& query,
                      const std::atomic<bool>& stop) override;

 private:
  absl::StatusOr<std::unique_ptr<Door>> MakeDoor(
      std::vector<Listener>& listeners, size_t web_wanted);
  NativeDoorOptions DoorOptions(size_t web_wanted);
  [[noreturn]] void Abandon(const absl::Status& why);
  void LogReady(const DaemonSockets& sockets);
  // Without top lists, which take longer.
  StatsReport Report(size_t series);

  const std::string policy_file_;
  const rules::Settings settings_;  // as they were at the start
  policy::SystemClock clock_;
  const policy::Now started_ = clock_.Read();
  policy::Statistics statistics_;
  Log log_;
  policy::TopLists top_lists_;
  policy::DiskJournalFiles state_files_;
  std::optional<StateKeeper> state_;  // saves when the observers are through
  Observers observers_;
  Stores stores_;
  policy::References references_;
  policy::Engine engine_;
  Reloader reloader_;
  std::optional<Ticker> roll_;
};

// As the settings say, within the limit of descriptors. `web_wanted`:
// connections of the HTTP server, where the limit has room for them.
NativeDoorOptions Daemon::DoorOptions(size_t web_wanted) {
  NativeDoorOptions options{.loops = settings_.loops,
                            .max_connections = settings_.max_connections,
                            .drain_us = settings_.drain_us};
  const uint64_t limit = DescriptorLimit();
  const size_t loops = NativeDoor::CountLoops(options);
  const uint32_t web_has =
      web_wanted > 0 ? WebConnections(limit, web_wanted) : 0;
  const uint64_t kept = KeptDescriptors(loops, web_has);
  const MtaConnections wanted{.served = options.max_connections,
                              .turned_away = options.turned_away_at_once};
  const MtaConnections fits = WithinDescriptors(limit, kept, wanted);
  if (fits.served < wanted.served) {
    log_.Warning(absl::StrFormat(
        "max-connections is %d, but the limit of %d descriptors has room for "
        "%d: one more is answered 421; raise LimitNOFILE= of the unit (without "
        "systemd: ulimit -Hn) to %d",
        wanted.served, limit, fits.served,
        KeptDescriptors(loops, static_cast<uint32_t>(web_wanted)) +
            wanted.served + wanted.turned_away));
  }
  options.max_connections = fits.served;
  options.turned_away_at_once = fits.turned_away;
  return options;
}

absl::StatusOr<std::unique_ptr<Door>> Daemon::MakeDoor(
    std::vector<Listener>& listeners, size_t web_wanted) {
  const DoorContext context{.engine = engine_,
                            .stores = stores_,
                            .statistics = statistics_,
                            .log = log_};
  std::vector<DoorSocket> sockets;
  sockets.reserve(listeners.size());
  for (const Listener& listener : listeners) {
    sockets.push_back({.fd = listener.fd(), .name = listener.name()});
  }
  if (settings_.door == rules::Door::kLibmilter) {
    return MakeLibmilterDoor(context, sockets.front());
  }
  return std::make_unique<NativeDoor>(context, std::move(sockets),
                                      DoorOptions(web_wanted),
                                      [&listeners] { listeners.clear(); });
}

absl::Status Daemon::Run(DaemonSockets sockets, const WebOptions& web_options) {
  if (!observers_.status().ok()) return observers_.status();
  const auto door =
      MakeDoor(sockets.milter, sockets.web ? web_options.max_connections : 0);
  if (!door.ok()) return door.status();
  LogReady(sockets);
  ControlServer control(std::move(sockets.control), *this);
  control.Start();
  std::optional<WebServer> web;
  if (sockets.web) {
    web.emplace(*std::move(sockets.web), *this, web_options);
    if (absl::Status started = web->Start(); !started.ok()) return started;
  }
  const ReloadThread reload(reloader_,
                            settings_.door == rules::Door::kLibmilter
                                ? ReloadThread::Signals::kUser
                                : ReloadThread::Signals::kUserAndHangUp);
  absl::Status status = (*door)->Run();
  if (absl::IsDeadlineExceeded(status)) {
    Abandon(status);
  }
  log_.Info("stopped");
  return status;
}

// Callbacks still use what the destructors would take away: nothing is
// destroyed, and what is queued is written within a few seconds. The files of
// the sockets stay; the next start removes them.
void Daemon::Abandon(const absl::Status& why) {
  observers_.Flush(kLastWords);
  if (state_) state_->Save();
  log_.Error(why.ToString());
  log_.Flush(kLastWords);
  _exit(EXIT_FAILURE);
}

void Daemon::LogReady(const DaemonSockets& sockets) {
  const std::shared_ptr<const rules::Policy> policy = engine_.policy();
  log_.Info(absl::StrFormat(
      "gatemilter %s ready on %s, control %s%s, policy %s: %d rules, hash %s%s",
      GATE_VERSION, Addresses(sockets.milter), sockets.control.address(),
      sockets.web ? ", page " + sockets.PageUrl() : "", policy_file_,
      policy->rules().size(), policy->hash(),
      policy->settings().shadow ? ", all of them shadow" : ""));
  if (geteuid() == 0) {
    log_.Warning("running as root; `set user` names another user");
  }
}

std::string Daemon::Tail(uint64_t after, size_t newest) {
  return observers_.DecisionsJson(after, newest);
}

std::string Daemon::WhyJson(const std::string& query,
                            const std::atomic<bool>& stop) {
  return observers_.WhyJson(query, engine_.policy(), stop);
}

StatsReport Daemon::Stats() {
  StatsReport report = Report(policy::Statistics::kSeries);
  report.top = ReportTop(top_lists_, report.now_us);
  return report;
}

StatsReport Daemon::Report(size_t series) {
  const policy::Now now = clock_.Read();
  const auto seconds_since = [&now](int64_t us) {
    return static_cast<uint64_t>(now.steady_us - us) / 1'000'000;
  };
  StatsReport report;
  report.statistics = statistics_.Snapshot(series);
  const std::shared_ptr<const policy::Installed> installed =
      engine_.installed();
  report.policy_hash = installed->policy->hash();
  report.policy_load = installed->load;
  for (const policy::UnknownFact& unknown : engine_.UnknownFacts()) {
    report.unknown_facts.push_back(
        ReportUnknownFact(unknown, *installed->policy));
  }
  report.policy_file = policy_file_;
  report.version = GATE_VERSION;
  const policy::Now loaded = reloader_.installed_at();
  report.started_us = started_.wall_us;
  report.policy_loaded_us = loaded.wall_us;
  report.uptime_seconds = seconds_since(started_.steady_us);
  report.policy_age_seconds = seconds_since(loaded.steady_us);
  report.store = stores_.Report();
  report.connections = engine_.Connections();
  report.lists =
      ReportLists(*installed, now.wall_us, [this](const std::string& file) {
        return reloader_.ListChangedUs(file);
      });
  if (const auto journal = observers_.journal()) {
    report.journal = ReportJournal(settings_.journal->folder, *journal);
  }
  if (state_) report.state = state_->Report();
  report.now_us = now.wall_us;
  return report;
}

}  // namespace

absl::Status Serve(const DaemonOptions& options) {
  Door::BlockSignals();
  std::signal(SIGPIPE, SIG_IGN);
#ifdef NDEBUG
  // Debian's Abseil looks for deadlocks at each lock, at some cost.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
  RaiseDescriptorLimit();
  rules::DiskReader reader;
  const PolicyOrigin origin{
      .file = options.policy_file,
      .load = options.load,
      .read_since_ns = policy::SystemClock().Read().wall_us * 1000};
  const TestedPolicy tested = LoadAndTest(reader, origin.file, origin.load);
  // A JSON log has them, too, once there is one.
  const bool json = tested.ok && tested.load.policy->settings().log_format ==
                                     rules::LogFormat::kJson;
  if (!json) std::fputs(tested.report.c_str(), stderr);
  if (!tested.ok) {
    return absl::FailedPreconditionError(
        absl::StrCat(origin.file, ": not started"));
  }
  const rules::Settings& settings = tested.load.policy->settings();
  absl::StatusOr<DaemonSockets> sockets =
      DaemonSockets::Open(settings, origin.file);
  if (!sockets.ok()) return sockets.status();
  const auto redis = ReadRedisOptions(settings);
  if (!redis.ok()) return redis.status();
  const absl::StatusOr<WebOptions> web = ReadWebOptions(settings);
  if (!web.ok()) return web.status();
  if (absl::Status status = DropPrivileges(settings.user); !status.ok()) {
    return status;
  }
  Daemon daemon(reader, origin, tested.load.policy, *redis);
  if (json) daemon.LogWarnings(tested.report);
  return daemon.Run(*std::move(sockets), *web);
}

}  // namespace gate::milter
