#include "tests/mta/private_sendmail.h"

#include <utility>

namespace gate::mta {
namespace {

constexpr std::pair<std::string_view, std::string_view> kNetworks[] = {
    {"127.0.0.0/8", "127.0.0.1"},
    {"192.0.2.", "127.0.2."},
    {"198.51.100.", "127.51.100."},
    {"203.0.113.", "127.113.113."},
};

}  // namespace

PrivateSendmail::PrivateSendmail(const Options& options) {
  Start("private-sendmail", options);
}

SmtpClient PrivateSendmail::Visit(const Visitor& visitor, Port port) const {
  SmtpClient client(this->port(port), {.address = Here(visitor.address),
                                       .tls = port == Port::kSubmissions});
  if (client.greeting().code == 220) client.Ehlo(visitor.helo);
  return client;
}

std::string PrivateSendmail::Here(std::string text) const {
  for (const auto& [from, to] : kNetworks) {
    for (size_t at = text.find(from); at != std::string::npos;
         at = text.find(from, at + to.size())) {
      text.replace(at, from.size(), to);
    }
  }
  return text;
}

std::string PrivateSendmail::Log() const {
  return ReadFile(dir() + "/log/traffic");
}

}  // namespace gate::mta
