// Listening sockets: unix (mode, group, stale ones removed), inet, inherited
// descriptors. For the milter sockets and the control socket.
//
// Addresses: those of socket_address.h, and "fd:N".
#pragma once

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "milter/inherited_sockets.h"
#include "milter/socket_address.h"
#include "rules/policy.h"

namespace gate::milter {

// Owns the descriptor; the destructor closes it and unlinks the unix socket
// that it bound (if it is still that socket). Thread-compatible.
class Listener {
 public:
  // The socket that a supervisor handed down for the address (its path, mode
  // and group are the supervisor's affair), else one that is bound here.
  static absl::StatusOr<Listener> Open(const rules::SocketSetting& setting,
                                       InheritedSockets& inherited);
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
  // Somebody else holds it open, too: clients can connect also when it is
  // closed here.
  bool inherited() const { return inherited_; }
  // Leaves descriptor and path alone from now on: they are the caller's.
  int Release();

 private:
  explicit Listener(const rules::SocketSetting& setting);
  absl::Status BindUnix(const SocketAddress& address,
                        const rules::SocketSetting& setting);
  absl::Status BindInet(const SocketAddress& address);
  absl::Status Inherit(const std::string& number);
  void Adopt(int fd);
  absl::Status Listen();
  void Close();

  int fd_ = -1;
  std::string address_;
  std::string name_;
  std::string path_;  // to unlink; empty: none
  dev_t device_ = 0;  // which file that is
  ino_t inode_ = 0;
  bool inherited_ = false;
};

}  // namespace gate::milter
