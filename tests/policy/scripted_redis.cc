#include "tests/policy/scripted_redis.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

namespace gate::policy {
namespace {

// Takes a line without its end; false: it is not whole.
bool TakeLine(const std::string& input, size_t& at, std::string& line) {
  const size_t end = input.find("\r\n", at);
  if (end == std::string::npos) return false;
  line = input.substr(at, end - at);
  at = end + 2;
  return true;
}

}  // namespace

std::optional<std::vector<std::string>> TakeRedisCommand(std::string& input) {
  size_t at = 0;
  std::string line;
  if (!TakeLine(input, at, line)) return std::nullopt;
  std::vector<std::string> command(std::stoul(line.substr(1)));
  for (std::string& argument : command) {
    if (!TakeLine(input, at, line)) return std::nullopt;
    const size_t size = std::stoul(line.substr(1));
    if (at + size + 2 > input.size()) return std::nullopt;
    argument = input.substr(at, size);
    at += size + 2;
  }
  input.erase(0, at);
  return command;
}

int ListenAsRedis(const std::string& unix_path) {
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  unix_path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) !=
          0 ||
      listen(listener, 64) != 0) {
    std::abort();
  }
  return listener;
}

ScriptedRedis::ScriptedRedis(const std::string& unix_path, Script script)
    : script_(std::move(script)), listener_(ListenAsRedis(unix_path)) {
  thread_ = std::thread([this] { Run(); });
}

ScriptedRedis::~ScriptedRedis() {
  stop_ = true;
  thread_.join();
  close(listener_);
}

bool ScriptedRedis::Readable(int fd) const {
  while (!stop_) {
    pollfd wait = {.fd = fd, .events = POLLIN, .revents = 0};
    if (poll(&wait, 1, 10) > 0) return true;
  }
  return false;
}

void ScriptedRedis::Run() {
  while (Readable(listener_)) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    ++connections_;
    Serve(fd);
    close(fd);
  }
}

void ScriptedRedis::Serve(int fd) {
  std::string input;
  while (Readable(fd)) {
    char bytes[65536];
    const ssize_t size = recv(fd, bytes, sizeof bytes, 0);
    if (size <= 0) return;
    input.append(bytes, static_cast<size_t>(size));
    while (const auto command = TakeRedisCommand(input)) {
      const std::string answer = script_(*command);
      if (answer.empty()) return;
      send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
  }
}

}  // namespace gate::policy
