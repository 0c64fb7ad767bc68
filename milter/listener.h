// Listening sockets: unix (mode, group, stale ones removed), inet, inherited
// descriptors. For the milter socket and the control socket.
//
// Addresses: "unix:/path", "inet:PORT@HOST" (HOST an IP address; left out:
// 127.0.0.1), "inet6:PORT@HOST", "fd:N".
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "rules/policy.h"

namespace gate::milter {

// Owns the descriptor; the destructor closes it and unlinks the unix socket
// that it bound (if it is still that socket).
class Listener {
 public:
  // Errors name the address, the failing step and the repair.
  static absl::StatusOr<Listener> Bind(const rules::SocketSetting& setting);
  Listener(Listener&&) noexcept;
  Listener& operator=(Listener&&) noexcept;
  ~Listener();

  int fd() const { return fd_; }
  const std::string& address() const { return address_; }
  // Leaves descriptor and path alone from now on (libmilter closes it).
  int Release();

 private:
  Listener() = default;
  int fd_ = -1;
  std::string address_;
  std::string path_;  // to unlink; empty: none
  uint64_t device_ = 0, inode_ = 0;
};

// setgroups, setgid, setuid to `user`; fails when any right stays.
absl::Status DropPrivileges(const std::string& user);

}  // namespace gate::milter
