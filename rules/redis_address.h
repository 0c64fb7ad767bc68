// Where a Redis listens, as `set store redis "…"` says it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gate::rules {

struct RedisAddress {
  std::string unix_path;  // empty: host and port count
  std::string host;       // a name or an address, without brackets
  uint16_t port = 6379;

  // As it is written: "127.0.0.1:6379", "[::1]:6379", "unix:/path".
  std::string ToString() const;

  friend bool operator==(const RedisAddress&, const RedisAddress&) = default;
};

// "host", "host:port", "[ipv6]", "[ipv6]:port" or "unix:/path". Returns what
// is wrong with the text; empty: `out` is set.
std::string ParseRedisAddress(std::string_view text, RedisAddress& out);

}  // namespace gate::rules
