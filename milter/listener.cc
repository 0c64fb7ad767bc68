#include "milter/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"

namespace gate::milter {
namespace {

constexpr uint32_t kDefaultMode = 0660;

template <class... Args>
absl::Status Error(const absl::FormatSpec<Args...>& format,
                   const Args&... args) {
  return absl::FailedPreconditionError(absl::StrFormat(format, args...));
}

const char* LastError() { return std::strerror(errno); }

std::optional<int> ParseNumber(std::string_view text, int most) {
  int number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest != end || number < 0 || number > most) {
    return std::nullopt;
  }
  return number;
}

absl::StatusOr<sockaddr_un> UnixAddress(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path[0] != '/') {
    return Error("unix:%s: the path must begin with /", path);
  }
  if (path.size() >= sizeof address.sun_path) {
    return Error("unix:%s: the path has %d bytes, a socket's may have %d", path,
                 path.size(), sizeof address.sun_path - 1);
  }
  path.copy(address.sun_path, path.size());
  return address;
}

// Whether some process listens on the socket file at `address`.
bool SomebodyListens(const sockaddr_un& address) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return true;
  const int failed =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  // Anything but a refusal (backlog full, no right to ask) may be somebody.
  const bool refused = failed != 0 && errno == ECONNREFUSED;
  close(fd);
  return !refused;
}

// Removes the socket that a dead process left behind.
absl::Status RemoveStale(const std::string& path, const sockaddr_un& address) {
  struct stat status = {};
  if (lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return absl::OkStatus();  // or bind says what it is
    return Error(
        "unix:%s: cannot look at it: %s; check that the folder exists "
        "and may be searched",
        path, LastError());
  }
  if (!S_ISSOCK(status.st_mode)) {
    return Error(
        "unix:%s: a file that is no socket is there; remove it or "
        "choose another path",
        path);
  }
  if (SomebodyListens(address)) {
    return Error(
        "unix:%s: another process listens there; is gatemilter "
        "already running? stop it, or choose another path",
        path);
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return Error("unix:%s: cannot remove the stale socket: %s", path,
                 LastError());
  }
  return absl::OkStatus();
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::Status BindError(const std::string& path, int error) {
  if (error == ENOENT) {
    return Error(
        "unix:%s: the folder %s does not exist; create it: install -d "
        "-m 2750 -g postfix %s",
        path, FolderOf(path), FolderOf(path));
  }
  if (error == EACCES || error == EPERM) {
    return Error(
        "unix:%s: no right to create it in %s; start as root, or give "
        "this user the right to write there",
        path, FolderOf(path));
  }
  return Error("unix:%s: bind: %s", path, std::strerror(error));
}

absl::StatusOr<gid_t> FindGroup(const std::string& name) {
  group entry = {};
  group* found = nullptr;
  std::vector<char> buffer(16384);
  while (getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(),
                    &found) == ERANGE) {
    buffer.resize(buffer.size() * 2);
  }
  if (found == nullptr) {
    return Error("group %s does not exist; create it, or name another one",
                 name);
  }
  return found->gr_gid;
}

// First the group, then the mode: chown may clear bits, and until then nobody
// but the owner gets in. No link is followed: the folder may belong to the
// daemon's user, who could put one in between while we are root.
absl::Status SetRights(const std::string& path,
                       const rules::SocketSetting& setting) {
  if (!setting.group.empty()) {
    const absl::StatusOr<gid_t> group = FindGroup(setting.group);
    if (!group.ok()) {
      return Error("unix:%s: %s", path, group.status().message());
    }
    if (lchown(path.c_str(), static_cast<uid_t>(-1), *group) != 0) {
      return Error(
          "unix:%s: cannot give it to group %s: %s; start as root, or "
          "make this user a member",
          path, setting.group, LastError());
    }
  }
  const mode_t mode = setting.mode.value_or(kDefaultMode);
  if (fchmodat(AT_FDCWD, path.c_str(), mode, AT_SYMLINK_NOFOLLOW) != 0) {
    return Error("unix:%s: cannot set mode %o: %s", path, mode, LastError());
  }
  return absl::OkStatus();
}

struct InetAddress {
  sockaddr_storage storage = {};
  socklen_t size = 0;
};

absl::StatusOr<InetAddress> ParseInet(int family, const std::string& text) {
  const size_t at = text.find('@');
  const std::optional<int> port =
      ParseNumber(std::string_view(text).substr(0, at), 65535);
  if (!port) return Error("`%s` is no port; write inet:8891@127.0.0.1", text);
  const std::string host = at != std::string::npos ? text.substr(at + 1)
                           : family == AF_INET6    ? "::1"
                                                   : "127.0.0.1";
  InetAddress address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(*port));
    address.size = sizeof *v4;
  } else if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<uint16_t>(*port));
    address.size = sizeof *v6;
  } else {
    return Error("`%s` is no IP address; names are not looked up here", host);
  }
  return address;
}

}  // namespace

absl::StatusOr<Listener> Listener::Bind(const rules::SocketSetting& setting) {
  Listener listener;
  listener.address_ = setting.address;
  listener.name_ = setting.name;
  const size_t colon = setting.address.find(':');
  const std::string kind = setting.address.substr(0, colon);
  const std::string rest =
      colon == std::string::npos ? "" : setting.address.substr(colon + 1);
  absl::Status status;
  if (kind == "unix") {
    status = listener.BindUnix(rest, setting);
  } else if (kind == "inet" || kind == "inet6") {
    status = listener.BindInet(kind == "inet" ? AF_INET : AF_INET6, rest);
  } else if (kind == "fd") {
    status = listener.Inherit(rest);
  } else {
    status = Error(
        "`%s` is no socket address; write unix:/path, "
        "inet:8891@127.0.0.1, inet6:8891@::1 or fd:3",
        setting.address);
  }
  if (!status.ok()) return status;
  return listener;
}

absl::Status Listener::BindUnix(const std::string& path,
                                const rules::SocketSetting& setting) {
  const absl::StatusOr<sockaddr_un> address = UnixAddress(path);
  if (!address.ok()) return address.status();
  if (absl::Status status = RemoveStale(path, *address); !status.ok()) {
    return status;
  }
  fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return Error("unix:%s: socket: %s", path, LastError());
  // Linux gives the file the socket's own mode (less the umask): nobody gets
  // in before SetRights. The umask is the whole process's: not touched.
  if (fchmod(fd_, 0) != 0) {
    return Error("unix:%s: fchmod: %s", path, LastError());
  }
  if (bind(fd_, reinterpret_cast<const sockaddr*>(&*address),
           sizeof *address) != 0) {
    return BindError(path, errno);
  }
  path_ = path;
  struct stat status = {};
  if (lstat(path.c_str(), &status) == 0) {
    device_ = status.st_dev;
    inode_ = status.st_ino;
  }
  // Rights last: who may connect finds somebody who listens.
  if (absl::Status listening = Listen(); !listening.ok()) return listening;
  return SetRights(path, setting);
}

absl::Status Listener::BindInet(int family, const std::string& port_at_host) {
  const absl::StatusOr<InetAddress> address = ParseInet(family, port_at_host);
  if (!address.ok()) {
    return Error("%s: %s", address_, address.status().message());
  }
  fd_ = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return Error("%s: socket: %s", address_, LastError());
  const int on = 1;
  setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address->storage.ss_family == AF_INET6) {
    setsockopt(fd_, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (bind(fd_, reinterpret_cast<const sockaddr*>(&address->storage),
           address->size) != 0) {
    const char* repair =
        errno == EADDRINUSE ? "; stop what listens there, or choose another "
                              "port"
        : errno == EACCES   ? "; ports below 1024 are root's"
        : errno == EADDRNOTAVAIL ? "; this host does not have the address"
                                 : "";
    return Error("%s: bind: %s%s", address_, LastError(), repair);
  }
  return Listen();
}

absl::Status Listener::Inherit(const std::string& number) {
  const std::optional<int> fd = ParseNumber(number, 65535);
  int listens = 0;
  socklen_t size = sizeof listens;
  if (!fd || *fd <= STDERR_FILENO) {
    return Error("%s: no descriptor of a socket; systemd hands over fd:3",
                 address_);
  }
  if (getsockopt(*fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 ||
      listens == 0) {
    return Error(
        "%s: no listening socket was handed over; start from a "
        "systemd .socket unit, or write unix:/path",
        address_);
  }
  fd_ = *fd;
  fcntl(fd_, F_SETFD, FD_CLOEXEC);
  return absl::OkStatus();
}

absl::Status Listener::Listen() {
  if (listen(fd_, SOMAXCONN) == 0) return absl::OkStatus();
  return Error("%s: listen: %s", address_, LastError());
}

Listener::Listener(Listener&& other) noexcept { *this = std::move(other); }

Listener& Listener::operator=(Listener&& other) noexcept {
  if (this == &other) return *this;
  Close();
  fd_ = std::exchange(other.fd_, -1);
  address_ = std::move(other.address_);
  name_ = std::move(other.name_);
  path_ = std::exchange(other.path_, {});
  device_ = other.device_;
  inode_ = other.inode_;
  return *this;
}

Listener::~Listener() { Close(); }

int Listener::Release() {
  path_.clear();
  return std::exchange(fd_, -1);
}

void Listener::Close() {
  struct stat status = {};
  if (!path_.empty() && lstat(path_.c_str(), &status) == 0 &&
      status.st_dev == device_ && status.st_ino == inode_) {
    unlink(path_.c_str());
  }
  path_.clear();
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

}  // namespace gate::milter
