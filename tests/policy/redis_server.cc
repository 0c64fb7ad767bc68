#include "tests/policy/redis_server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <utility>

namespace gate::policy {
namespace {

constexpr int64_t kFirstUs = 1'767'225'600'000'000;  // 2026-01-01 UTC

// A port of 127.0.0.1 that stays ours; as redis-server's own socket may be
// bound to it besides.
int ReservePort(int& port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* bound = reinterpret_cast<sockaddr*>(&address);
  if (bind(fd, bound, size) == 0 && getsockname(fd, bound, &size) == 0) {
    port = ntohs(address.sin_port);
  }
  return fd;
}

// Where contrib/deps has unpacked Redis; "" when it is installed.
std::string Root() {
  return std::filesystem::exists("/usr/bin/redis-check-rdb") ? std::string()
                                                             : GATE_SOURCE_DIR
             "/build/mta/redis";
}

std::vector<std::string> Libraries() {
  if (Root().empty()) return {};
  return {"LD_LIBRARY_PATH=" + Root() + "/usr/lib/" GATE_MULTIARCH ":" +
          Root() + "/lib/" GATE_MULTIARCH};
}

}  // namespace

RedisServer::RedisServer(Options options) : options_(std::move(options)) {
  if (options_.tcp) reserved_ = ReservePort(port_);
  if (options_.frozen_clock) FreezeClock();
  if (fault_.empty()) Start();
}

RedisServer::~RedisServer() {
  process_.Stop();
  if (reserved_ >= 0) close(reserved_);
  if (clock_us_ != nullptr) {
    munmap(const_cast<int64_t*>(clock_us_), sizeof(int64_t));
  }
}

void RedisServer::FreezeClock() {
  const std::string path = dir() + "/clock";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  void* mapped = MAP_FAILED;
  if (ftruncate(fd, sizeof(int64_t)) == 0) {
    mapped = mmap(nullptr, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED,
                  fd, 0);
  }
  close(fd);
  if (mapped == MAP_FAILED) {
    fault_ = "no clock file";
    return;
  }
  clock_us_ = static_cast<volatile int64_t*>(mapped);
  *clock_us_ = kFirstUs;
}

void RedisServer::Start() {
  // The package redis-tools has the server's binary under this name.
  const std::string program = dir() + "/redis-server";
  [[maybe_unused]] const int linked =
      symlink((Root() + "/usr/bin/redis-check-rdb").c_str(), program.c_str());
  mta::Command command{.argv = {program, "--port", std::to_string(port_),
                                "--bind", "127.0.0.1", "--unixsocket", socket(),
                                "--save", "", "--appendonly", "no", "--dir",
                                dir()}};
  command.argv.insert(command.argv.end(), options_.arguments.begin(),
                      options_.arguments.end());
  command.environment = Libraries();
  command.out = command.err = dir() + "/redis.log";
  if (options_.frozen_clock) {
    command.environment.emplace_back("LD_PRELOAD=" GATE_FROZEN_CLOCK);
    command.environment.push_back("GATE_CLOCK=" + dir() + "/clock");
  }
  process_ = mta::ChildProcess(command);
  const auto answers = [this] {
    return !process_.Running() || !Cli({"PING"}).empty();
  };
  if (!mta::WaitUntil(answers, std::chrono::seconds(10)) ||
      !process_.Running()) {
    fault_ = "redis-server did not start: " + mta::ReadFile(command.out);
  }
}

RedisOptions RedisServer::client() const {
  RedisOptions options;
  options.address.unix_path = socket();
  return options;
}

mta::Command RedisServer::Program(const std::string& name) const {
  mta::Command command{.argv = {Root() + "/usr/bin/" + name, "-s", socket()}};
  command.environment = Libraries();
  return command;
}

std::string RedisServer::Cli(const std::vector<std::string>& arguments) const {
  mta::Command command = Program("redis-cli");
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  std::string out = mta::Run(command, std::chrono::seconds(10)).out;
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

int64_t RedisServer::Calls(const std::string& command) const {
  const std::string info = Cli({"INFO", "commandstats"});
  const std::string name = "cmdstat_" + command + ":calls=";
  const size_t found = info.find(name);
  if (found == std::string::npos) return 0;
  return std::atoll(info.c_str() + found + name.size());
}

}  // namespace gate::policy
