// late_redis: stands in for a Redis that takes a second for each charge of one
// limit, and says that it fits. Commands are answered in their order, those of
// a pipeline each a second after it came; a probe at once.
//
//   late_redis SOCKET
//
// Says "ready" on stdout when it listens; ends by a signal.

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <string>
#include <vector>

#include "tests/policy/scripted_redis.h"

namespace gate::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kDelay{1000};
constexpr char kProbed[] = "*0\r\n";
constexpr char kFits[] = "*4\r\n:0\r\n:1\r\n:10\r\n:0\r\n";

struct Client {
  int fd;
  std::string input;
  std::deque<Clock::time_point> due;  // answers to charges
};

void Write(const Client& client, std::string_view bytes) {
  // A client that has gone is noticed when it is read.
  [[maybe_unused]] const ssize_t sent =
      send(client.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

// False: the client has gone.
bool Read(Client& client) {
  char bytes[65536];
  const ssize_t size = recv(client.fd, bytes, sizeof bytes, 0);
  if (size <= 0) return false;
  client.input.append(bytes, static_cast<size_t>(size));
  while (const auto command = policy::TakeRedisCommand(client.input)) {
    if (command->front() == "EVAL") {
      Write(client, kProbed);
    } else {
      client.due.push_back(Clock::now() + kDelay);
    }
  }
  return true;
}

void AnswerWhatIsDue(Client& client) {
  std::string answers;
  while (!client.due.empty() && client.due.front() <= Clock::now()) {
    answers += kFits;
    client.due.pop_front();
  }
  if (!answers.empty()) Write(client, answers);
}

// Milliseconds until an answer is due; -1: none is.
int Patience(const std::vector<Client>& clients) {
  int patience = -1;
  for (const Client& client : clients) {
    if (client.due.empty()) continue;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        client.due.front() - Clock::now());
    const int ms = std::max(static_cast<int>(left.count()), 0);
    patience = patience < 0 ? ms : std::min(patience, ms);
  }
  return patience;
}

[[noreturn]] void Serve(int listener) {
  std::vector<Client> clients;
  while (true) {
    std::vector<pollfd> polls = {{listener, POLLIN, 0}};
    for (const Client& client : clients) {
      polls.push_back({client.fd, POLLIN, 0});
    }
    poll(polls.data(), polls.size(), Patience(clients));
    for (size_t i = clients.size(); i > 0; --i) {
      Client& client = clients[i - 1];
      if (polls[i].revents != 0 && !Read(client)) {
        close(client.fd);
        clients.erase(clients.begin() + static_cast<ptrdiff_t>(i) - 1);
      } else {
        AnswerWhatIsDue(client);
      }
    }
    if (polls[0].revents == 0) continue;
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) clients.push_back({.fd = fd, .input = {}, .due = {}});
  }
}

}  // namespace
}  // namespace gate::bench

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: late_redis SOCKET\n", stderr);
    return 2;
  }
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path = argv[1];
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  unlink(path.c_str());
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address),
           sizeof address) != 0 ||
      listen(listener, 16) != 0) {
    std::perror("late_redis");
    return 1;
  }
  std::puts("ready");
  std::fflush(stdout);
  gate::bench::Serve(listener);
}
