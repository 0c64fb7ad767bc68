// "host:port" with an IPv6 address in brackets: how settings write where
// something is reached by TCP.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gate::rules {

struct HostPort {
  std::string host;  // a name or an address, without brackets
  std::optional<uint16_t> port;
};

// "host", "host:port", "[ipv6]" or "[ipv6]:port". Returns what is wrong with
// the text; empty: `out` is set.
std::string ParseHostPort(std::string_view text, HostPort& out);

}  // namespace gate::rules
