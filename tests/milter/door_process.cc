#include "tests/milter/door_process.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <optional>
#include <utility>

#include "milter/listener.h"
#include "milter/native_door.h"
#include "policy/clock.h"
#include "tests/rules/policy_text.h"

namespace gate::milter {
namespace {

int RunDoor(DoorKind kind, const std::string& policy, int listening_fd) {
  Door::BlockSignals();
  std::signal(SIGPIPE, SIG_IGN);
  policy::SystemClock clock;
  policy::Statistics statistics;
  Log log("warning", statistics);
  Stores stores(std::nullopt, log);
  policy::NullEventLog events;
  policy::References references(/*node=*/0);
  policy::Engine engine(clock, statistics, events, references);
  engine.Install(rules::CompileText(policy));
  const DoorContext context{engine, stores, statistics, log};
  const DoorSocket socket{.fd = listening_fd, .name = "inside"};
  if (kind == DoorKind::kNative) {
    const NativeDoorOptions options{.loops = 2, .drain_us = 0};
    NativeDoor door(context, {socket}, options, [] {});
    return door.Run().ok() ? 0 : 2;
  }
  const absl::StatusOr<std::unique_ptr<Door>> door =
      MakeLibmilterDoor(context, socket);
  if (!door.ok()) return 1;
  return (*door)->Run().ok() ? 0 : 2;
}

}  // namespace

std::string DoorName(DoorKind kind) {
  return kind == DoorKind::kNative ? "Native" : "Libmilter";
}

DoorProcess::DoorProcess(DoorKind kind, const std::string& policy) {
  rules::SocketSetting setting;
  setting.address = "unix:" + path();
  absl::StatusOr<Listener> listener = Listener::Bind(setting);
  if (!listener.ok()) {
    ADD_FAILURE() << listener.status();
    return;
  }
  child_ = fork();
  if (child_ == 0) _exit(RunDoor(kind, policy, listener->fd()));
  listener->Release();  // the child listens on it
}

DoorProcess::~DoorProcess() {
  if (child_ > 0) {
    EXPECT_EQ(Stop(SIGKILL), SIGKILL) << "the door had died";
  }
}

int DoorProcess::Stop(int signal) {
  kill(child_, signal);
  int status = 0;
  waitpid(child_, &status, 0);
  child_ = 0;
  return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

}  // namespace gate::milter
