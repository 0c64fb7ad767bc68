// The names of Redis's keys that hold limits and bans, readable by an
// operator (`redis-cli --scan --pattern 'gate:*'`):
//
//   gate:per_user:alice                        a limit's state
//   gate:banned(client.network):192.0.2.1      a ban
//
// A subject of several facts has NUL between them; one longer than
// kMaxSubject ends in a hash (SHA-256, cut to 128 bits) of its whole.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gate::policy {

inline constexpr size_t kMaxSubject = 128;  // bytes

// Puts the key into `out`, reusing its memory.
void RenderLimitKey(std::string_view name, std::string_view subject,
                    std::string& out);
void RenderBanKey(std::string_view name, std::string_view subject,
                  std::string& out);

}  // namespace gate::policy
