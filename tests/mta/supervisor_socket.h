// A listening socket as a supervisor binds it for a service that it starts
// (systemd's .socket units): it outlives the service, and who connects while
// none runs waits for the next. Handed down by Command::sockets.
#pragma once

#include <sys/types.h>

#include <string>

namespace gate::mta {

// Confined to one thread.
class SupervisorSocket {
 public:
  // On a unix path, which stays; the folder exists.
  SupervisorSocket(const std::string& path, mode_t mode);
  SupervisorSocket(const SupervisorSocket&) = delete;
  SupervisorSocket& operator=(const SupervisorSocket&) = delete;
  ~SupervisorSocket();

  int fd() const { return fd_; }  // -1: it could not be bound

 private:
  int fd_;
};

}  // namespace gate::mta
