#include "tests/policy/local_server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "gtest/gtest.h"

namespace gate::policy {

LocalServer::LocalServer(LoopSocket::Kind kind) {
  sockaddr_un path = {};
  path.sun_family = AF_UNIX;
  (folder_.path() + "/socket").copy(path.sun_path, sizeof path.sun_path - 1);
  sockaddr_in port = {};
  port.sin_family = AF_INET;
  port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool unix_path = kind == LoopSocket::Kind::kUnix;
  const auto* address = unix_path ? reinterpret_cast<const sockaddr*>(&path)
                                  : reinterpret_cast<const sockaddr*>(&port);
  fd_ =
      socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  EXPECT_EQ(bind(fd_, address, unix_path ? sizeof path : sizeof port), 0)
      << std::strerror(errno);
  EXPECT_EQ(listen(fd_, SOMAXCONN), 0) << std::strerror(errno);
  EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&address_), &size_),
            0);
}

LocalServer::~LocalServer() { close(fd_); }

int LocalServer::Connect() const {
  const int fd = socket(address_.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address_), size_), 0)
      << std::strerror(errno);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

}  // namespace gate::policy
