#include "rules/host_port.h"

#include <charconv>

#include "absl/strings/str_format.h"
#include "rules/domain_name.h"
#include "rules/ip_address.h"

namespace gate::rules {
namespace {

std::optional<uint16_t> ParsePort(std::string_view text) {
  uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  const bool good = error == std::errc() && rest == end && port != 0;
  return good ? std::optional(port) : std::nullopt;
}

}  // namespace

std::string ParseHostPort(std::string_view text, HostPort& out) {
  out = {};
  std::string_view host = text;
  std::optional<std::string_view> port;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return "`]` is missing";
    host = text.substr(1, end - 1);
    const std::string_view rest = text.substr(end + 1);
    if (!IpAddress::Parse(host) || (!rest.empty() && rest.front() != ':')) {
      return absl::StrFormat("`%s` is no host", text);
    }
    if (!rest.empty()) port = rest.substr(1);
  } else if (const size_t colon = text.rfind(':');
             colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (IpAddress::Parse(text)) return "an IPv6 address stands in brackets";
  }
  if (!IpAddress::Parse(host) && !IsDomain(host)) {
    return absl::StrFormat("`%s` is no host", host);
  }
  if (port) {
    out.port = ParsePort(*port);
    if (!out.port) return absl::StrFormat("`%s` is no port", *port);
  }
  out.host = host;
  return "";
}

}  // namespace gate::rules
