#include "tests/mta/supervisor_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace gate::mta {

SupervisorSocket::SupervisorSocket(const std::string& path, mode_t mode)
    : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      listen(fd_, SOMAXCONN) == 0 && chmod(path.c_str(), mode) == 0) {
    return;
  }
  close(fd_);
  fd_ = -1;
}

SupervisorSocket::~SupervisorSocket() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace gate::mta
