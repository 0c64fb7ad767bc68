// Listening sockets: unix (mode, group, stale ones removed), inet, inherited
// descriptors. For the milter socket and the control socket.
//
// Addresses: "unix:/path", "inet:PORT@HOST" (HOST an IP address; left out:
// 127.0.0.1), "inet6:PORT@HOST" (left out: ::1), "fd:N".
#pragma once

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rules/policy.h"

namespace gate::milter {

// Owns the descriptor; the destructor closes it and unlinks the unix socket
// that it bound (if it is still that socket). Thread-compatible.
class Listener {
 public:
  // Unix sockets have mode 0660 when the setting has none. Errors name the
  // address, the failing step and the repair.
  static absl::StatusOr<Listener> Bind(const rules::SocketSetting& setting);
  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&& other) noexcept;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  int fd() const { return fd_; }
  const std::string& address() const { return address_; }
  // The setting's; empty: none.
  const std::string& name() const { return name_; }
  // Leaves descriptor and path alone from now on: they are the caller's.
  int Release();

 private:
  Listener() = default;
  absl::Status BindUnix(const std::string& path,
                        const rules::SocketSetting& setting);
  absl::Status BindInet(int family, const std::string& port_at_host);
  absl::Status Inherit(const std::string& number);
  absl::Status Listen();
  void Close();

  int fd_ = -1;
  std::string address_;
  std::string name_;
  std::string path_;  // to unlink; empty: none
  dev_t device_ = 0;  // which file that is
  ino_t inode_ = 0;
};

}  // namespace gate::milter
