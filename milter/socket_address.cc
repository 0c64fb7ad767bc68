#include "milter/socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace gate::milter {
namespace {

constexpr int kMaxPort = 65535;

template <class... Args>
absl::Status Error(const absl::FormatSpec<Args...>& format,
                   const Args&... args) {
  return absl::FailedPreconditionError(absl::StrFormat(format, args...));
}

// The same memory, seen as the address of one family.
template <class Address>
Address& As(sockaddr_storage& storage) {
  return reinterpret_cast<Address&>(storage);
}
template <class Address>
const Address& As(const sockaddr_storage& storage) {
  return reinterpret_cast<const Address&>(storage);
}

absl::StatusOr<SocketAddress> ParseUnix(const std::string& path) {
  SocketAddress address;
  auto& unix_address = As<sockaddr_un>(address.storage);
  if (path.empty() || path[0] != '/') {
    return Error("unix:%s: the path must begin with /", path);
  }
  if (path.size() >= sizeof unix_address.sun_path) {
    return Error("unix:%s: the path has %d bytes, a socket's may have %d", path,
                 path.size(), sizeof unix_address.sun_path - 1);
  }
  unix_address.sun_family = AF_UNIX;
  path.copy(unix_address.sun_path, path.size());
  address.size = sizeof unix_address;
  return address;
}

absl::StatusOr<SocketAddress> ParseInet(const std::string& text,
                                        const std::string& port_at_host,
                                        const std::string& default_host) {
  const size_t at = port_at_host.find('@');
  int port = 0;
  if (!absl::SimpleAtoi(port_at_host.substr(0, at), &port) || port < 0 ||
      port > kMaxPort) {
    return Error("%s: `%s` is no port; write inet:8891@127.0.0.1", text,
                 port_at_host);
  }
  const std::string host =
      at != std::string::npos ? port_at_host.substr(at + 1) : default_host;
  SocketAddress address;
  auto& v4 = As<sockaddr_in>(address.storage);
  auto& v6 = As<sockaddr_in6>(address.storage);
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(static_cast<uint16_t>(port));
    address.size = sizeof v4;
  } else if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(static_cast<uint16_t>(port));
    address.size = sizeof v6;
  } else {
    return Error("%s: `%s` is no IP address; names are not looked up here",
                 text, host);
  }
  return address;
}

}  // namespace

absl::StatusOr<SocketAddress> SocketAddress::Parse(const std::string& text) {
  const size_t colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  const std::string rest =
      colon == std::string::npos ? "" : text.substr(colon + 1);
  if (kind == "unix") return ParseUnix(rest);
  if (kind == "inet") return ParseInet(text, rest, "127.0.0.1");
  if (kind == "inet6") return ParseInet(text, rest, "::1");
  return Error(
      "`%s` is no socket address; write unix:/path, "
      "inet:8891@127.0.0.1, inet6:8891@::1 or fd:3",
      text);
}

absl::StatusOr<SocketAddress> SocketAddress::OfSocket(int fd) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage),
                  &address.size) != 0) {
    return Error("descriptor %d: %s", fd, std::strerror(errno));
  }
  return address;
}

std::string SocketAddress::ToString() const {
  std::array<char, INET6_ADDRSTRLEN> host = {};
  if (family() == AF_UNIX) {
    // The kernel gives a path with or without its NUL, by its length.
    const char* path = As<sockaddr_un>(storage).sun_path;
    const size_t begin = offsetof(sockaddr_un, sun_path);
    const size_t most = size > begin ? size - begin : 0;
    return absl::StrCat("unix:", std::string(path, strnlen(path, most)));
  }
  if (family() == AF_INET6) {
    const auto& v6 = As<sockaddr_in6>(storage);
    inet_ntop(AF_INET6, &v6.sin6_addr, host.data(), host.size());
    return absl::StrFormat("inet6:%d@%s", ntohs(v6.sin6_port), host.data());
  }
  if (family() == AF_INET) {
    const auto& v4 = As<sockaddr_in>(storage);
    inet_ntop(AF_INET, &v4.sin_addr, host.data(), host.size());
    return absl::StrFormat("inet:%d@%s", ntohs(v4.sin_port), host.data());
  }
  return absl::StrFormat("a socket of family %d", family());
}

bool IsListening(int fd) {
  int listens = 0;
  int type = 0;
  socklen_t size = sizeof listens;
  socklen_t type_size = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 &&
         listens != 0 &&
         getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) == 0 &&
         type == SOCK_STREAM;
}

}  // namespace gate::milter
