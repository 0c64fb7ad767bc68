#include "milter/reloader.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "milter/policy_loader.h"

namespace gate::milter {
namespace {

std::vector<std::string> NeedsRestart(const rules::Settings& started,
                                      const rules::Settings& now) {
  std::vector<std::string> names;
  const auto compare = [&](const auto& a, const auto& b, const char* name) {
    if (a != b) names.emplace_back(name);
  };
  compare(started.sockets, now.sockets, "socket");
  compare(started.control, now.control, "control");
  compare(started.user, now.user, "user");
  compare(started.redis, now.redis, "store");
  compare(started.redis_deadline_us, now.redis_deadline_us, "redis-deadline");
  compare(started.door, now.door, "door");
  compare(started.loops, now.loops, "loops");
  compare(started.max_connections, now.max_connections, "max-connections");
  compare(started.drain_us, now.drain_us, "drain");
  compare(started.metrics, now.metrics, "metrics");
  compare(started.web_password_file, now.web_password_file, "web-password");
  compare(started.state, now.state, "state");
  compare(started.journal, now.journal, "journal");
  compare(started.log_format, now.log_format, "log-format");
  compare(started.node, now.node, "node");
  return names;
}

std::vector<std::string> ListFiles(const rules::Policy& policy) {
  std::vector<std::string> files;
  for (const rules::ListInfo& list : policy.lists()) {
    if (!list.file.empty()) files.push_back(list.file);
  }
  return files;
}

}  // namespace

Reloader::Reloader(rules::FileReader& reader, const policy::Clock& clock,
                   policy::Engine& engine, Log& log, const PolicyOrigin& origin,
                   const std::shared_ptr<const rules::Policy>& policy)
    : reader_(reader),
      clock_(clock),
      engine_(engine),
      log_(log),
      origin_(origin),
      started_(policy->settings()) {
  const absl::MutexLock lock(&mutex_);
  Install(policy, origin.read_since_ns);
}

void Reloader::Install(const std::shared_ptr<const rules::Policy>& policy,
                       int64_t read_since_ns) {
  log_.SetLevel(policy->settings().log);
  engine_.Install(policy);
  watch_.Watch(ListFiles(*policy), read_since_ns);
  NoteListTimes(*policy);
  const absl::MutexLock lock(&times_mutex_);
  installed_at_ = clock_.Read();
}

void Reloader::NoteListTimes(const rules::Policy& policy) {
  absl::flat_hash_map<std::string, int64_t> changed;
  for (const std::string& file : ListFiles(policy)) {
    changed[file] = watch_.ChangedNs(file) / 1000;
  }
  const absl::MutexLock lock(&times_mutex_);
  list_changed_us_ = std::move(changed);
}

policy::Now Reloader::installed_at() const {
  const absl::MutexLock lock(&times_mutex_);
  return installed_at_;
}

int64_t Reloader::ListChangedUs(const std::string& file) const {
  const absl::MutexLock lock(&times_mutex_);
  const auto found = list_changed_us_.find(file);
  return found == list_changed_us_.end() ? 0 : found->second;
}

ReloadReport Reloader::Reload() {
  const absl::MutexLock lock(&mutex_);
  const int64_t read_since_ns = WallNs();
  const TestedPolicy tested = LoadAndTest(reader_, origin_.file, origin_.load);
  if (tested.ok) Install(tested.load.policy, read_since_ns);
  const std::shared_ptr<const rules::Policy> running = engine_.policy();
  ReloadReport report{
      .installed = tested.ok,
      .report = tested.report,
      .needs_restart = NeedsRestart(started_, running->settings()),
      .policy_hash = running->hash(),
      .rules = static_cast<uint32_t>(running->rules().size())};
  LogReload(report);
  return report;
}

void Reloader::LogReload(const ReloadReport& report) {
  log_.WarningLines(report.report);
  if (!report.installed) {
    log_.Error(absl::StrFormat(
        "policy %s not reloaded: the running one stays, hash %s", origin_.file,
        report.policy_hash));
    return;
  }
  log_.Info(absl::StrFormat("policy %s reloaded: %d rules, hash %s",
                            origin_.file, report.rules, report.policy_hash));
  if (!report.needs_restart.empty()) {
    log_.Warning(absl::StrFormat("changed, but needs a restart: %s",
                                 absl::StrJoin(report.needs_restart, ", ")));
  }
}

void Reloader::PollLists() {
  const absl::MutexLock lock(&mutex_);
  if (!watch_.Poll()) return;
  const std::shared_ptr<const rules::Policy> policy = engine_.policy();
  const std::shared_ptr<const rules::ListTable> old = engine_.lists();
  const rules::ListsResult result = rules::ReloadLists(reader_, *policy, *old);
  log_.WarningLines(result.diagnostics.Render(*result.sources));
  if (result.lists == nullptr) {
    log_.Error("lists not read again: the old contents stay");
    return;
  }
  for (size_t i = 0; i < result.lists->size(); ++i) {
    const rules::ListId id{static_cast<uint32_t>(i)};
    if (result.lists->shared(id) == old->shared(id)) continue;
    log_.Info(absl::StrFormat("list %s read again: %d entries",
                              policy->lists()[i].name,
                              result.lists->list(id).size));
  }
  engine_.InstallLists(result.lists);
  NoteListTimes(*policy);
}

}  // namespace gate::milter
