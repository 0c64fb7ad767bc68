// Addresses of listening sockets, as `set socket` writes them and as the
// kernel tells them: "unix:/path", "inet:PORT@HOST" (HOST an IP address; left
// out: 127.0.0.1), "inet6:PORT@HOST" (left out: ::1).
#pragma once

#include <sys/socket.h>

#include <string>

#include "absl/status/statusor.h"

namespace gate::milter {

// A plain value: what bind(2) takes.
struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t size = 0;

  // Errors name the address and the repair.
  static absl::StatusOr<SocketAddress> Parse(const std::string& text);
  // Of the socket's own end; errors are those of getsockname(2).
  static absl::StatusOr<SocketAddress> OfSocket(int fd);

  int family() const { return storage.ss_family; }
  const sockaddr* get() const {
    return reinterpret_cast<const sockaddr*>(&storage);
  }
  // Equal for equal addresses, and what Parse takes (but for sockets without
  // a path: "unix:").
  std::string ToString() const;
};

// Whether the descriptor is a stream socket that somebody listens on.
bool IsListening(int fd);

}  // namespace gate::milter
