#include "tests/milter/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace gate::milter {
namespace {

constexpr std::chrono::milliseconds kPatience{20'000};

sockaddr_in Address(const std::string& text, uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, text.c_str(), &address.sin_addr);
  return address;
}

bool Readable(int fd, std::chrono::milliseconds time) {
  pollfd wait{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&wait, 1, static_cast<int>(time.count())) == 1;
}

void ReadHeaders(std::string_view text, HttpAnswer& answer) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find("\r\n"));
    text.remove_prefix(std::min(line.size() + 2, text.size()));
    const size_t colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    std::string name(line.substr(0, colon));
    absl::AsciiStrToLower(&name);
    answer.headers[name] = line.substr(colon + 2);
  }
}

}  // namespace

HttpClient::HttpClient(uint16_t port, const std::string& from)
    : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const sockaddr_in own = Address(from, 0);
  const sockaddr_in server = Address("127.0.0.1", port);
  if (bind(fd_.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) !=
          0 ||
      connect(fd_.get(), reinterpret_cast<const sockaddr*>(&server),
              sizeof server) != 0) {
    fd_ = UniqueFd();
  }
}

bool HttpClient::Send(std::string_view bytes) {
  return send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

bool HttpClient::ReadMore() {
  std::array<char, 65536> bytes = {};
  if (!Readable(fd_.get(), kPatience)) return false;
  const ssize_t got = recv(fd_.get(), bytes.data(), bytes.size(), 0);
  if (got <= 0) return false;
  input_.append(bytes.data(), static_cast<size_t>(got));
  return true;
}

HttpAnswer HttpClient::Read(bool body) {
  size_t end = 0;
  while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
    if (!ReadMore()) return {};
  }
  HttpAnswer answer;
  ReadHeaders(std::string_view(input_).substr(0, end + 2), answer);
  if (!absl::SimpleAtoi(input_.substr(9, 3), &answer.status)) return {};
  input_.erase(0, end + 4);
  size_t length = 0;
  if (!body || !absl::SimpleAtoi(answer.headers["content-length"], &length)) {
    return answer;
  }
  while (input_.size() < length) {
    if (!ReadMore()) return {};
  }
  answer.body = input_.substr(0, length);
  input_.erase(0, length);
  return answer;
}

HttpAnswer HttpClient::Ask(std::string_view target, std::string_view headers,
                           std::string_view method) {
  std::string request;
  for (const std::string_view part :
       {method, std::string_view(" "), target,
        std::string_view(" HTTP/1.1\r\nHost: localhost\r\n"), headers,
        std::string_view("\r\n")}) {
    request.append(part);
  }
  // Of what is too long the server reads no more, and says so: there is an
  // answer though not all could be sent.
  Send(request);
  return Read(/*body=*/method != "HEAD");
}

size_t HttpClient::ReadToEnd() {
  while (ReadMore()) {
  }
  return input_.size();
}

bool HttpClient::Closes(std::chrono::milliseconds time) {
  std::array<char, 4096> bytes = {};
  while (Readable(fd_.get(), time)) {
    if (recv(fd_.get(), bytes.data(), bytes.size(), 0) <= 0) return true;
  }
  return false;
}

uint16_t PortOf(int listener) {
  sockaddr_in address = {};
  socklen_t size = sizeof address;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

}  // namespace gate::milter
