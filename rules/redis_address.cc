#include "rules/redis_address.h"

#include "absl/strings/str_format.h"
#include "rules/host_port.h"

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
  HostPort place;
  std::string fault = ParseHostPort(text, place);
  if (!fault.empty()) return fault;
  out.port = place.port.value_or(out.port);
  out.host = std::move(place.host);
  return "";
}

}  // namespace gate::rules
