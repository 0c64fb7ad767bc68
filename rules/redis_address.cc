#include "rules/redis_address.h"

#include <charconv>
#include <optional>

#include "absl/strings/str_format.h"
#include "rules/domain_name.h"
#include "rules/ip_address.h"

namespace gate::rules {
namespace {

// sun_path of sockaddr_un, with its final NUL.
constexpr size_t kMaxUnixPath = 107;

std::string ParseUnix(std::string_view path, RedisAddress& out) {
  if (!path.starts_with('/')) return "the path of a socket begins with `/`";
  if (path.size() > kMaxUnixPath) {
    return absl::StrFormat("the path of a socket has at most %d bytes",
                           kMaxUnixPath);
  }
  out.unix_path = path;
  return "";
}

bool ParsePort(std::string_view text, uint16_t& port) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  return error == std::errc() && rest == end && port != 0;
}

}  // namespace

std::string RedisAddress::ToString() const {
  if (!unix_path.empty()) return "unix:" + unix_path;
  if (host.find(':') != std::string::npos) {
    return absl::StrFormat("[%s]:%d", host, port);
  }
  return absl::StrFormat("%s:%d", host, port);
}

std::string ParseRedisAddress(std::string_view text, RedisAddress& out) {
  out = {};
  constexpr std::string_view kUnix = "unix:";
  if (text.starts_with(kUnix)) return ParseUnix(text.substr(kUnix.size()), out);
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
  if (port && !ParsePort(*port, out.port)) {
    return absl::StrFormat("`%s` is no port", *port);
  }
  out.host = host;
  return "";
}

}  // namespace gate::rules
