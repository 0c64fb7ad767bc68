// gatemilter's native door with nobody who looks on: no log, no records of
// decisions, no top lists, no journal, no page. What seeing costs is the
// difference to the real one. Counters stay: the engine
// counts as it decides.
//
//   unobserved SOCKET POLICY
#include <csignal>
#include <cstdio>
#include <string>

#include "absl/synchronization/mutex.h"
#include "milter/listener.h"
#include "milter/native_door.h"
#include "policy/clock.h"
#include "rules/load.h"

namespace gate::milter {
namespace {

int Fail(const std::string& what) {
  std::fprintf(stderr, "unobserved: %s\n", what.c_str());
  return 2;
}

int Run(const std::string& path, const std::string& policy_file) {
  Door::BlockSignals();
  std::signal(SIGPIPE, SIG_IGN);
#ifdef NDEBUG
  // As the daemon does.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
  rules::DiskReader reader;
  const rules::LoadResult loaded = rules::LoadPolicy(reader, policy_file);
  if (loaded.policy == nullptr) return Fail(loaded.Render());
  rules::SocketSetting setting;
  setting.address = "unix:" + path;
  absl::StatusOr<Listener> listener = Listener::Bind(setting);
  if (!listener.ok()) return Fail(listener.status().ToString());
  policy::SystemClock clock;
  policy::Statistics statistics;
  Log log("error", statistics);
  Stores stores(std::nullopt, log);
  policy::NullEventLog events;
  policy::References references(/*node=*/0);
  policy::Engine engine(clock, statistics, events, references);
  engine.Install(loaded.policy);
  NativeDoor door({engine, stores, statistics, log},
                  {{.fd = listener->fd(), .name = listener->name()}},
                  {.drain_us = 0}, [] {});
  std::fputs("ready\n", stderr);
  return door.Run().ok() ? 0 : 1;
}

}  // namespace
}  // namespace gate::milter

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: unobserved SOCKET POLICY\n", stderr);
    return 2;
  }
  return gate::milter::Run(argv[1], argv[2]);
}
