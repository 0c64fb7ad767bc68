#include "tests/policy/redis_proxy.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

namespace gate::policy {
namespace {

using Clock = std::chrono::steady_clock;

bool Send(int fd, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    data += sent;
    size -= static_cast<size_t>(sent);
  }
  return true;
}

int ConnectUnix(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    return fd;
  }
  close(fd);
  return -1;
}

}  // namespace

struct RedisProxy::Link {
  struct Late {
    Clock::time_point at;
    std::string bytes;
  };
  int client = -1;
  int server = -1;
  std::vector<Late> late = {};
};

RedisProxy::RedisProxy(std::string unix_path)
    : unix_path_(std::move(unix_path)),
      listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* bound = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_, bound, size) == 0 && listen(listener_, 64) == 0 &&
      getsockname(listener_, bound, &size) == 0) {
    port_ = ntohs(address.sin_port);
  }
  thread_ = std::thread([this] { Run(); });
}

RedisProxy::~RedisProxy() {
  stop_ = true;
  thread_.join();
  close(listener_);
}

void RedisProxy::Run() {
  std::vector<Link> links;
  while (!stop_) {
    std::vector<pollfd> wait = {
        {.fd = listener_, .events = POLLIN, .revents = 0}};
    for (const Link& link : links) {
      wait.push_back({.fd = link.client, .events = POLLIN, .revents = 0});
      wait.push_back({.fd = link.server, .events = POLLIN, .revents = 0});
    }
    poll(wait.data(), wait.size(), 5);
    std::erase_if(links, [this](Link& link) {
      if (PassOn(link)) return false;
      close(link.client);
      close(link.server);
      return true;
    });
    if ((wait[0].revents & POLLIN) != 0) Accept(links);
  }
  for (const Link& link : links) {
    close(link.client);
    close(link.server);
  }
}

void RedisProxy::Accept(std::vector<Link>& links) const {
  const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  const int server = ConnectUnix(unix_path_);
  if (server < 0) {
    close(client);
    return;
  }
  links.push_back({.client = client, .server = server});
}

bool RedisProxy::PassOn(Link& link) const {
  if (mode_ == Mode::kSilent) return true;
  std::array<char, 16384> bytes;
  const ssize_t size =
      recv(link.client, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (size == 0) return false;
  if (size > 0 && !Send(link.server, bytes.data(), static_cast<size_t>(size))) {
    return false;
  }
  return PassAnswer(link);
}

bool RedisProxy::PassAnswer(Link& link) const {
  std::array<char, 16384> bytes;
  const ssize_t size =
      recv(link.server, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (size == 0) return false;
  const Mode mode = mode_;
  if (size > 0) {
    if (mode == Mode::kGarbage) {
      std::fill(bytes.begin(), bytes.begin() + size, '?');
    }
    const auto length = static_cast<size_t>(size);
    if (mode == Mode::kCut) {
      Send(link.client, bytes.data(), length / 2);
      return false;
    }
    Clock::time_point at = Clock::now();
    if (mode == Mode::kDelay) at += kDelayTime;
    link.late.push_back({at, std::string(bytes.data(), length)});
  }
  while (!link.late.empty() && link.late.front().at <= Clock::now()) {
    const std::string& next = link.late.front().bytes;
    if (!Send(link.client, next.data(), next.size())) return false;
    link.late.erase(link.late.begin());
  }
  return true;
}

}  // namespace gate::policy
