// A socket that listens on this machine, unix or TCP, and connections to it.
#pragma once

#include <sys/socket.h>

#include "policy/loop_socket.h"
#include "tests/mta/temp_dir.h"

namespace gate::policy {

// That a step failed is a failure of the running test. Confined to one thread.
class LocalServer {
 public:
  explicit LocalServer(LoopSocket::Kind kind);
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;
  ~LocalServer();

  int fd() const { return fd_; }  // does not block
  // The other side of a new connection, which waits to be accepted; it does
  // not block. The caller's.
  int Connect() const;

 private:
  mta::TempDir folder_;
  int fd_ = -1;
  sockaddr_storage address_ = {};
  socklen_t size_ = sizeof address_;
};

}  // namespace gate::policy
