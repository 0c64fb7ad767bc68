#include "tests/mta/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <thread>
#include <utility>

#include "tests/mta/temp_dir.h"

namespace gate::mta {
namespace {

constexpr int kExecFailed = 127;
constexpr int kFirstSocket = STDERR_FILENO + 1;
// Above all that a test has open.
constexpr int kFarAway = 800;
constexpr std::string_view kListenPid = "LISTEN_PID=";

void OpenAs(int descriptor, const std::string& path, int flags) {
  const int opened = open(path.c_str(), flags, 0644);
  if (opened >= 0) dup2(opened, descriptor);
}

// The sockets become 3, 4, ...; each may have any of these numbers before.
unsigned PlaceSockets(const std::vector<int>& sockets) {
  const int count = static_cast<int>(sockets.size());
  for (int i = 0; i < count; ++i) {
    dup2(sockets[static_cast<size_t>(i)], kFarAway + i);
  }
  for (int i = 0; i < count; ++i) dup2(kFarAway + i, kFirstSocket + i);
  return static_cast<unsigned>(count);
}

// argv and environment of a command. Made before the fork: the child of a
// program with threads must not allocate.
class Arguments {
 public:
  explicit Arguments(const Command& command) {
    for (const std::string& word : command.argv) Add(argv_, word);
    argv_.push_back(nullptr);
    for (const std::string& setting : command.environment) {
      Add(environment_, setting);
    }
    if (!command.sockets.empty()) {
      listen_fds_ = "LISTEN_FDS=" + std::to_string(command.sockets.size());
      Add(environment_, listen_fds_);
      environment_.push_back(listen_pid_.data());
    }
    for (char** entry = environ; *entry != nullptr; ++entry) {
      if (!Sets(command.environment, *entry)) environment_.push_back(*entry);
    }
    environment_.push_back(nullptr);
  }
  // In the child: only there is its id known.
  void SetPid(pid_t pid) {
    char* digits = listen_pid_.data() +
                   kListenPid.copy(listen_pid_.data(), kListenPid.size());
    *std::to_chars(digits, listen_pid_.end() - 1, pid).ptr = '\0';
  }
  char* const* argv() const { return argv_.data(); }
  char* const* environment() const { return environment_.data(); }

 private:
  static void Add(std::vector<char*>& words, const std::string& word) {
    words.push_back(const_cast<char*>(word.c_str()));
  }
  // Whether one of `settings` has the name of `inherited`.
  static bool Sets(const std::vector<std::string>& settings,
                   std::string_view inherited) {
    const std::string_view name = inherited.substr(0, inherited.find('=') + 1);
    return std::any_of(settings.begin(), settings.end(),
                       [&](const std::string& setting) {
                         return setting.compare(0, name.size(), name) == 0;
                       });
  }

  std::string listen_fds_;
  std::array<char, 40> listen_pid_ = {};
  std::vector<char*> argv_;
  std::vector<char*> environment_;
};

// Between fork and exec.
[[noreturn]] void Become(const Command& command, Arguments& arguments,
                         pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(kExecFailed);  // died before prctl
  OpenAs(STDIN_FILENO, command.in, O_RDONLY);
  OpenAs(STDOUT_FILENO, command.out, O_WRONLY | O_CREAT | O_APPEND);
  OpenAs(STDERR_FILENO, command.err, O_WRONLY | O_CREAT | O_APPEND);
  close_range(kFirstSocket + PlaceSockets(command.sockets), ~0U, 0);
  arguments.SetPid(getpid());
  execvpe(arguments.argv()[0], arguments.argv(), arguments.environment());
  _exit(kExecFailed);
}

pid_t Start(const Command& command) {
  Arguments arguments(command);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) Become(command, arguments, parent);
  if (pid > 0) setpgid(pid, pid);  // whoever comes first
  return pid;
}

int ExitStatus(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

bool WaitUntil(const std::function<bool()>& condition, Milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(Milliseconds(10));
  }
  return true;
}

ChildProcess::ChildProcess(const Command& command) : pid_(Start(command)) {}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), status_(other.status_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this == &other) return *this;
  Stop();
  pid_ = std::exchange(other.pid_, -1);
  status_ = other.status_;
  return *this;
}

ChildProcess::~ChildProcess() { Stop(); }

bool ChildProcess::Running() {
  if (pid_ <= 0 || status_ >= 0) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return true;
  status_ = ExitStatus(status);
  return false;
}

void ChildProcess::Signal(int number) const {
  if (pid_ > 0 && status_ < 0) kill(pid_, number);
}

int ChildProcess::Stop(Milliseconds limit) {
  if (!Running()) return status_;
  kill(-pid_, SIGTERM);
  if (Wait(limit) >= 0) return status_;
  kill(-pid_, SIGKILL);
  return Wait(std::chrono::seconds(10));
}

int ChildProcess::Wait(Milliseconds limit) {
  WaitUntil([this] { return !Running(); }, limit);
  return status_;
}

Outcome Run(Command command, Milliseconds limit) {
  const TempDir streams;
  command.out = streams.path() + "/out";
  command.err = streams.path() + "/err";
  ChildProcess child(command);
  Outcome outcome;
  outcome.status = child.Wait(limit);
  if (outcome.status < 0) child.Stop(Milliseconds(0));
  outcome.out = ReadFile(command.out);
  outcome.err = ReadFile(command.err);
  return outcome;
}

}  // namespace gate::mta
