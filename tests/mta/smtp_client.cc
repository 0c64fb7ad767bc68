#include "tests/mta/smtp_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cctype>
#include <utility>

namespace gate::mta {
namespace {

int Connect(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const timeval limit{.tv_sec = SmtpClient::kAnswerLimit.count(), .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (connect(fd, generic, sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

std::string XclientCommand(const Visitor& visitor) {
  const bool v6 = visitor.address.find(':') != std::string::npos;
  std::string line = "XCLIENT ADDR=";
  if (v6) line += "IPV6:";
  line += visitor.address + " NAME=";
  line += visitor.name.empty() ? "[UNAVAILABLE]" : visitor.name;
  if (!visitor.login.empty()) line += " LOGIN=" + visitor.login;
  return line;
}

// RFC 5321 section 4.5.2, lines ended by CRLF, and the final dot.
std::string AsData(std::string_view message) {
  std::string data;
  bool line_start = true;
  for (const char byte : message) {
    if (line_start && byte == '.') data += '.';
    line_start = byte == '\n';
    if (line_start) data += '\r';
    data += byte;
  }
  return data + ".\r\n";
}

}  // namespace

SmtpClient::SmtpClient(int port) : fd_(Connect(port)), greeting_(Read()) {}

SmtpClient::SmtpClient(int port, const Visitor& visitor) : SmtpClient(port) {
  Send("EHLO localhost");
  Become(visitor);
}

Reply SmtpClient::Become(const Visitor& visitor) {
  greeting_ = Send(XclientCommand(visitor));
  helo_ = greeting_.code == 220 ? Send("EHLO " + visitor.helo) : Reply();
  return greeting_;
}

SmtpClient::SmtpClient(SmtpClient&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      input_(std::move(other.input_)),
      greeting_(std::move(other.greeting_)),
      helo_(std::move(other.helo_)) {}

SmtpClient::~SmtpClient() { Close(); }

void SmtpClient::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

Reply SmtpClient::Send(std::string_view line) {
  if (!Write(Text(line) + "\r\n")) return {.code = 0, .text = "not connected"};
  return Read();
}

Reply SmtpClient::Data(std::string_view message) {
  Reply reply = Send("DATA");
  if (reply.code != 354) return reply;
  if (!Write(AsData(message))) return {.code = 0, .text = "not connected"};
  return Read();
}

Reply SmtpClient::Deliver(std::string_view sender, std::string_view rcpt,
                          std::string_view message) {
  Reply reply = Mail(sender);
  if (reply.code == 250) reply = Rcpt(rcpt);
  return reply.code == 250 ? Data(message) : reply;
}

bool SmtpClient::Write(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

Reply SmtpClient::Read() {
  Reply reply;
  std::string line;
  while (ReadLine(line)) {
    if (!reply.text.empty()) reply.text += '\n';
    reply.text += line;
    if (line.size() >= 4 && line[3] == '-') continue;
    reply.code = std::isdigit(static_cast<unsigned char>(line[0])) != 0
                     ? std::stoi(line)
                     : 0;
    return reply;
  }
  return {.code = 0, .text = "closed or no answer: " + reply.text};
}

bool SmtpClient::ReadLine(std::string& line) {
  size_t end = input_.find("\r\n");
  while (end == std::string::npos) {
    char buffer[4096];
    const ssize_t received = recv(fd_, buffer, sizeof buffer, 0);
    if (received <= 0) return false;
    input_.append(buffer, static_cast<size_t>(received));
    end = input_.find("\r\n");
  }
  line = input_.substr(0, end);
  input_.erase(0, end + 2);
  return true;
}

}  // namespace gate::mta
