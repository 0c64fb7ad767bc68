#include "milter/inherited_sockets.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "milter/socket_address.h"

namespace gate::milter {
namespace {

constexpr int kMaxSockets = 1024;

// The variable's text, which is removed; empty: not set.
std::string TakeVariable(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  unsetenv(name);
  return text;
}

// One spelling for equal addresses; what is none stays as it is.
std::string Canonical(const std::string& address) {
  const absl::StatusOr<SocketAddress> parsed = SocketAddress::Parse(address);
  return parsed.ok() ? parsed->ToString() : address;
}

}  // namespace

absl::StatusOr<InheritedSockets> InheritedSockets::Take(int first) {
  const std::string pid = TakeVariable("LISTEN_PID");
  const std::string number = TakeVariable("LISTEN_FDS");
  TakeVariable("LISTEN_FDNAMES");
  InheritedSockets inherited;
  if (number.empty() || pid != absl::StrCat(getpid())) return inherited;
  int count = 0;
  if (!absl::SimpleAtoi(number, &count) || count < 0 || count > kMaxSockets) {
    return absl::FailedPreconditionError(
        absl::StrFormat("LISTEN_FDS: `%s` is no number of sockets", number));
  }
  for (int fd = first; fd < first + count; ++fd) {
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    const absl::StatusOr<SocketAddress> address = SocketAddress::OfSocket(fd);
    if (!address.ok() || !IsListening(fd)) {
      return absl::FailedPreconditionError(absl::StrFormat(
          "LISTEN_FDS=%s: descriptor %d is no listening stream socket; in a "
          ".socket unit use ListenStream= and Accept=no",
          number, fd));
    }
    inherited.sockets_.push_back({UniqueFd(fd), address->ToString()});
  }
  return inherited;
}

int InheritedSockets::Claim(const std::string& address) {
  const std::string wanted = Canonical(address);
  const auto found = std::ranges::find_if(sockets_, [&](const Socket& socket) {
    return socket.address == wanted ||
           address == absl::StrCat("fd:", socket.fd.get());
  });
  if (found == sockets_.end()) return -1;
  const int fd = found->fd.Release();
  sockets_.erase(found);
  return fd;
}

absl::Status InheritedSockets::CheckAllClaimed() const {
  if (sockets_.empty()) return absl::OkStatus();
  const std::string& address = sockets_.front().address;
  return absl::FailedPreconditionError(absl::StrFormat(
      "%s was handed down (LISTEN_FDS), but no setting names it; write `set "
      "socket \"%s\"`, or take it out of the .socket unit",
      address, address));
}

}  // namespace gate::milter
