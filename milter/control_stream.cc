#include "milter/control_stream.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace gate::milter {
namespace {

constexpr size_t kLengthBytes = 4;
constexpr std::string_view kUnixPrefix = "unix:";

absl::Status SystemError(absl::string_view what) {
  return absl::ErrnoToStatus(errno, what);
}

absl::Status WaitFor(int fd, short events, Deadline deadline) {
  using std::chrono::milliseconds;
  pollfd wait{.fd = fd, .events = events, .revents = 0};
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      return absl::DeadlineExceededError("no answer in time");
    }
    const int ready = poll(&wait, 1, static_cast<int>(left.count()));
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) return SystemError("poll");
  }
}

absl::Status SendAll(int fd, std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    if (auto status = WaitFor(fd, POLLOUT, deadline); !status.ok()) {
      return status;
    }
    const ssize_t sent =
        send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EAGAIN || errno == EINTR) continue;
      return SystemError("send");
    }
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return absl::OkStatus();
}

absl::Status ReceiveAll(int fd, char* bytes, size_t size, Deadline deadline) {
  while (size > 0) {
    if (auto status = WaitFor(fd, POLLIN, deadline); !status.ok()) {
      return status;
    }
    const ssize_t got = recv(fd, bytes, size, MSG_DONTWAIT);
    if (got == 0) {
      return absl::UnavailableError("the other side closed the connection");
    }
    if (got < 0) {
      if (errno == EAGAIN || errno == EINTR) continue;
      return SystemError("receive");
    }
    bytes += got;
    size -= static_cast<size_t>(got);
  }
  return absl::OkStatus();
}

// What an administrator does about a connect that failed with `error`.
absl::string_view Repair(int error) {
  switch (error) {
    case ENOENT:
    case ECONNREFUSED:
      return "is gatemilter running? `--control` names another socket";
    case EACCES:
    case EPERM:
      return "run this as root or as a member of the socket's group";
    default:
      return "";
  }
}

absl::Status ConnectError(const std::string& address, int error) {
  const absl::string_view repair = Repair(error);
  return absl::UnavailableError(
      absl::StrCat("control socket ", address, ": ", std::strerror(error),
                   repair.empty() ? "" : "; ", repair));
}

}  // namespace

UniqueFd::UniqueFd(UniqueFd&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

UniqueFd::~UniqueFd() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<UniqueFd> ConnectControl(const std::string& address) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (!address.starts_with(kUnixPrefix) ||
      address.size() - kUnixPrefix.size() >= sizeof(name.sun_path)) {
    return absl::InvalidArgumentError(
        absl::StrCat("control socket ", address,
                     ": not of the form `unix:/path` with at most ",
                     sizeof(name.sun_path) - 1, " bytes of path"));
  }
  std::copy(address.begin() + kUnixPrefix.size(), address.end(), name.sun_path);
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return ConnectError(address, errno);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&name),
              sizeof(name)) != 0) {
    return ConnectError(address, errno);
  }
  return fd;
}

absl::Status SendMessage(int fd, std::string_view message, Deadline deadline) {
  const auto size = static_cast<uint32_t>(message.size());
  std::string bytes;
  bytes.reserve(kLengthBytes + message.size());
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>((size >> shift) & 0xff));
  }
  bytes.append(message);
  return SendAll(fd, bytes, deadline);
}

absl::StatusOr<std::string> ReceiveMessage(int fd, size_t max_bytes,
                                           Deadline deadline) {
  std::array<char, kLengthBytes> length;
  if (auto status = ReceiveAll(fd, length.data(), length.size(), deadline);
      !status.ok()) {
    return status;
  }
  size_t size = 0;
  for (const char byte : length) {
    size = size << 8 | static_cast<unsigned char>(byte);
  }
  if (size > max_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("a message of ", size, " bytes; the most is ", max_bytes));
  }
  std::string message(size, '\0');
  if (auto status = ReceiveAll(fd, message.data(), size, deadline);
      !status.ok()) {
    return status;
  }
  return message;
}

}  // namespace gate::milter
