// Who may ask the HTTP server: the password (HTTP Basic, RFC 7617, any user
// name) and the name that a request was sent to. Pure but for the memory of
// wrong passwords; the time is passed in.
//
// Without a password the server listens on loopback, and what guards it is the
// Host header: a page of another site that makes its own name resolve to
// 127.0.0.1 (DNS rebinding) still sends that name.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "rules/ip_address.h"

namespace gate::milter {

bool IsLoopback(const rules::IpAddress& address);

// Whether a request without a password may be sent to this Host: a loopback
// name or address with any port, or `own` (an address, without port).
bool IsOwnHost(std::string_view host, std::string_view own);

// Takes as long whatever of `given` is wrong.
bool SamePassword(std::string_view given, std::string_view expected);

// Thread-compatible.
class WebAccess {
 public:
  using Time = std::chrono::steady_clock::time_point;
  enum class Answer { kGranted, kAsk, kTooManyWrong };

  // An empty password lets everybody in.
  explicit WebAccess(std::string password) : password_(std::move(password)) {}

  // `authorization`: the header's value; empty: none came. After five wrong
  // passwords its network waits, one second at first, twice as long after each
  // further one, a minute at most; until then also the right one is refused.
  Answer Check(std::string_view authorization, const rules::IpAddress& client,
               Time now);
  // Until the client may try again; at least a second.
  std::chrono::seconds Wait(const rules::IpAddress& client, Time now) const;

 private:
  struct Wrong {
    size_t times = 0;
    Time until;  // no password is looked at before
  };
  void NoteWrong(const rules::IpAddress& network, Time now);

  const std::string password_;
  std::map<rules::IpAddress, Wrong> wrong_;  // by network, bounded
};

}  // namespace gate::milter
