#include "tests/mta/smtp_client.h"

#include <cctype>
#include <cstdint>

namespace gate::mta {
namespace {

std::string XclientCommand(const Visitor& visitor) {
  const bool v6 = visitor.address.find(':') != std::string::npos;
  std::string line = "XCLIENT ADDR=";
  if (v6) line += "IPV6:";
  line += visitor.address + " NAME=";
  line += visitor.name.empty() ? "[UNAVAILABLE]" : visitor.name;
  if (!visitor.login.empty()) line += " LOGIN=" + visitor.login;
  return line;
}

// Of bytes that may be zero.
std::string Base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = i; j < i + 3; ++j) {
      group = group << 8 |
              (j < bytes.size() ? static_cast<unsigned char>(bytes[j]) : 0U);
    }
    for (size_t j = 0; j < 4; ++j) {
      const bool padding = i + j > bytes.size();
      text += padding ? '=' : kDigits[group >> (18 - 6 * j) & 63];
    }
  }
  return text;
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

SmtpClient::SmtpClient(int port, const Origin& origin)
    : stream_(port, origin.address, kAnswerLimit) {
  if (!origin.tls || stream_.StartTls()) greeting_ = Read();
}

SmtpClient::SmtpClient(int port, const Visitor& visitor, const Origin& origin)
    : SmtpClient(port, origin) {
  Ehlo("localhost");
  Become(visitor);
}

Reply SmtpClient::Ehlo(std::string_view name) {
  helo_ = Send("EHLO " + Text(name));
  return helo_;
}

Reply SmtpClient::Become(const Visitor& visitor) {
  greeting_ = Send(XclientCommand(visitor));
  helo_ = {};
  if (greeting_.code == 220) Ehlo(visitor.helo);
  return greeting_;
}

Reply SmtpClient::StartTls(std::string_view name) {
  const Reply reply = Send("STARTTLS");
  if (reply.code != 220) return reply;
  if (!stream_.StartTls()) return {.code = 0, .text = "no TLS"};
  return Ehlo(name);
}

Reply SmtpClient::AuthPlain(std::string_view user, std::string_view password) {
  const std::string secret = '\0' + Text(user) + '\0' + Text(password);
  return Send("AUTH PLAIN " + Base64(secret));
}

Reply SmtpClient::Send(std::string_view line) {
  if (!stream_.Write(Text(line) + "\r\n"))
    return {.code = 0, .text = "not connected"};
  return Read();
}

Reply SmtpClient::Data(std::string_view message) {
  Reply reply = Send("DATA");
  return reply.code == 354 ? Content(message) : reply;
}

Reply SmtpClient::Content(std::string_view message) {
  if (!stream_.Write(AsData(message)))
    return {.code = 0, .text = "not connected"};
  return Read();
}

Reply SmtpClient::Deliver(std::string_view sender, std::string_view rcpt,
                          std::string_view message) {
  Reply reply = Mail(sender);
  if (reply.code == 250) reply = Rcpt(rcpt);
  return reply.code == 250 ? Data(message) : reply;
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
    const std::string received = stream_.Read();
    if (received.empty()) return false;
    input_ += received;
    end = input_.find("\r\n");
  }
  line = input_.substr(0, end);
  input_.erase(0, end + 2);
  return true;
}

}  // namespace gate::mta
