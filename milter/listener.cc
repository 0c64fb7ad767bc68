#include "milter/listener.h"

#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"

namespace gate::milter {
namespace {

constexpr uint32_t kDefaultMode = 0660;
constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kDescriptor = "fd:";

template <class... Args>
absl::Status Error(const absl::FormatSpec<Args...>& format,
                   const Args&... args) {
  return absl::FailedPreconditionError(absl::StrFormat(format, args...));
}

const char* LastError() { return std::strerror(errno); }

// Whether some process listens on the socket file at `address`.
bool SomebodyListens(const SocketAddress& address) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return true;
  const int failed = connect(fd, address.get(), address.size);
  // Anything but a refusal (backlog full, no right to ask) may be somebody.
  const bool refused = failed != 0 && errno == ECONNREFUSED;
  close(fd);
  return !refused;
}

// Removes the socket that a dead process left behind.
absl::Status RemoveStale(const std::string& path,
                         const SocketAddress& address) {
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

}  // namespace

Listener::Listener(const rules::SocketSetting& setting)
    : address_(setting.address), name_(setting.name) {}

absl::StatusOr<Listener> Listener::Open(const rules::SocketSetting& setting,
                                        InheritedSockets& inherited) {
  const int fd = inherited.Claim(setting.address);
  if (fd < 0) return Bind(setting);
  Listener listener(setting);
  listener.Adopt(fd);
  return listener;
}

absl::StatusOr<Listener> Listener::Bind(const rules::SocketSetting& setting) {
  Listener listener(setting);
  absl::Status status;
  if (setting.address.starts_with(kDescriptor)) {
    status = listener.Inherit(setting.address.substr(kDescriptor.size()));
  } else {
    const auto address = SocketAddress::Parse(setting.address);
    status = !address.ok() ? address.status()
             : address->family() == AF_UNIX
                 ? listener.BindUnix(*address, setting)
                 : listener.BindInet(*address);
  }
  if (!status.ok()) return status;
  return listener;
}

absl::Status Listener::BindUnix(const SocketAddress& address,
                                const rules::SocketSetting& setting) {
  const std::string path = setting.address.substr(kUnix.size());
  if (absl::Status status = RemoveStale(path, address); !status.ok()) {
    return status;
  }
  fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return Error("unix:%s: socket: %s", path, LastError());
  // Linux gives the file the socket's own mode (less the umask): nobody gets
  // in before SetRights. The umask is the whole process's: not touched.
  if (fchmod(fd_, 0) != 0) {
    return Error("unix:%s: fchmod: %s", path, LastError());
  }
  if (bind(fd_, address.get(), address.size) != 0) {
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

absl::Status Listener::BindInet(const SocketAddress& address) {
  fd_ = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return Error("%s: socket: %s", address_, LastError());
  const int on = 1;
  setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.family() == AF_INET6) {
    setsockopt(fd_, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (bind(fd_, address.get(), address.size) != 0) {
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
  int fd = -1;
  if (!absl::SimpleAtoi(number, &fd) || fd <= STDERR_FILENO) {
    return Error("%s: no descriptor of a socket; systemd hands over fd:3",
                 address_);
  }
  if (!IsListening(fd)) {
    return Error(
        "%s: no listening socket was handed over; start from a "
        "systemd .socket unit, or write unix:/path",
        address_);
  }
  Adopt(fd);
  return absl::OkStatus();
}

void Listener::Adopt(int fd) {
  fd_ = fd;
  inherited_ = true;
  fcntl(fd_, F_SETFD, FD_CLOEXEC);
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
  inherited_ = other.inherited_;
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
