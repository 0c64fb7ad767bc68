#include "tests/mta/gatemilter_process.h"

#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "tests/mta/temp_dir.h"

namespace gate::mta {
namespace {

// Connects to a unix socket and leaves.
void Knock(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  close(fd);
}

}  // namespace

Outcome Gatemilter(const std::vector<std::string>& arguments) {
  Command command{.argv = {GATE_BINARY}};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  return Run(std::move(command));
}

GatemilterProcess::GatemilterProcess(const Options& options)
    : policy_file_(options.policy_file.empty() ? options.dir + "/policy.rules"
                                               : options.policy_file),
      log_file_(options.dir + "/gatemilter.log"),
      control_("unix:" + options.dir + "/control.sock"),
      milter_socket_(options.milter_socket),
      fault_(Start(options)) {}

std::string GatemilterProcess::Start(const Options& options) {
  if (options.policy_file.empty()) WriteFile(policy_file_, options.policy);
  Command command;
  command.argv = options.by;
  command.argv.insert(command.argv.end(),
                      {GATE_BINARY, "serve", "-c", policy_file_, "--set",
                       "control \"" + control_ + "\""});
  if (!options.keep_sockets) {
    command.argv.insert(command.argv.end(),
                        {"--set", "socket \"unix:" + options.milter_socket +
                                      "\" mode 660 group " + options.group});
  }
  if (const char* door = std::getenv("GATE_DOOR"); door != nullptr) {
    command.argv.insert(command.argv.end(),
                        {"--set", std::string("door ") + door});
  }
  command.argv.insert(command.argv.end(), options.arguments.begin(),
                      options.arguments.end());
  command.out = command.err = log_file_;
  command.sockets = options.sockets;
  process_ = ChildProcess(command);
  const auto settled = [&] {
    return !process_.Running() ||
           (std::filesystem::exists(options.milter_socket) &&
            Ask("stats", {"--json"}).status == 0);
  };
  if (WaitUntil(settled, std::chrono::seconds(30)) && process_.Running()) {
    return {};
  }
  return "gatemilter does not serve: " + Log();
}

Outcome GatemilterProcess::Ask(const std::string& command,
                               std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {command, "--control", control_});
  return Gatemilter(arguments);
}

// libmilter looks whether it shall stop every five seconds, and whenever
// somebody connects.
int GatemilterProcess::Stop() {
  process_.Signal(SIGTERM);
  const auto stopped = [this] {
    if (process_.Running()) Knock(milter_socket_);
    return !process_.Running();
  };
  WaitUntil(stopped, std::chrono::seconds(10));
  return process_.Stop();
}

std::string GatemilterProcess::Owner() const {
  struct stat status {};
  const std::string entry = "/proc/" + std::to_string(process_.pid());
  if (stat(entry.c_str(), &status) != 0) return {};
  const passwd* account = getpwuid(status.st_uid);
  return account == nullptr ? std::string() : account->pw_name;
}

int64_t GatemilterProcess::Memory() const {
  constexpr std::string_view kName = "VmRSS:";
  const std::string status =
      ReadFile("/proc/" + std::to_string(process_.pid()) + "/status");
  const size_t found = status.find(kName);
  if (found == std::string::npos) return -1;
  return std::strtoll(status.c_str() + found + kName.size(), nullptr, 10);
}

Outcome GatemilterProcess::Reload() const { return Ask("reload", {}); }

std::string GatemilterProcess::Stats() const { return Ask("stats", {}).out; }

std::string GatemilterProcess::StatsJson() const {
  return Ask("stats", {"--json"}).out;
}

int64_t GatemilterProcess::RuleCount(const std::string& stage,
                                     const std::string& label) const {
  const auto stats = nlohmann::json::parse(StatsJson(), nullptr, false);
  if (!stats.contains("rules")) return -1;
  for (const auto& rule : stats["rules"]) {
    if (rule.value("stage", "") == stage && rule.value("rule", "") == label) {
      return rule.value("count", -1);
    }
  }
  return -1;
}

int64_t GatemilterProcess::Count(const std::string& counter) const {
  const auto stats = nlohmann::json::parse(StatsJson(), nullptr, false);
  if (!stats.contains("counters")) return -1;
  return stats["counters"].value(counter, -1);
}

bool GatemilterProcess::Shared() const {
  const auto stats = nlohmann::json::parse(StatsJson(), nullptr, false);
  return stats.contains("store") && stats["store"].value("shared", false);
}

std::string GatemilterProcess::Log() const { return ReadFile(log_file_); }

}  // namespace gate::mta
