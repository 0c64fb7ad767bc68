// Programs that a test runs. A child leads its own process group and is told
// to end (SIGTERM) when the test's process dies, however that happens.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace gate::mta {

using Milliseconds = std::chrono::milliseconds;

// Asks `condition` every few milliseconds; false when `limit` passes first.
bool WaitUntil(const std::function<bool()>& condition, Milliseconds limit);

struct Command {
  std::vector<std::string> argv;
  std::string in = "/dev/null";
  std::string out = "/dev/null";  // files, appended to
  std::string err = "/dev/null";
  std::vector<std::string> environment =
      {};  // NAME=VALUE, besides the test's own
  // Listening sockets, as a supervisor hands them down (sd_listen_fds(3)).
  std::vector<int> sockets = {};
};

// Ends its process group when it goes away. Thread-compatible.
class ChildProcess {
 public:
  ChildProcess() = default;
  explicit ChildProcess(const Command& command);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  bool Running();
  void Signal(int number) const;
  // SIGTERM to the group; after `limit` SIGKILL. The exit status as a shell
  // shows it (128 + signal).
  int Stop(Milliseconds limit = std::chrono::seconds(10));
  // The exit status, or -1 when it still runs after `limit`.
  int Wait(Milliseconds limit);

 private:
  pid_t pid_ = -1;
  int status_ = -1;  // once it has ended
};

struct Outcome {
  int status = -1;  // exit status; -1: killed because it took too long
  std::string out;
  std::string err;
};
// Runs a program to its end; its output goes into the outcome.
Outcome Run(Command command, Milliseconds limit = std::chrono::seconds(60));

}  // namespace gate::mta
