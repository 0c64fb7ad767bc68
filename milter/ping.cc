#include "milter/ping.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "milter/control_stream.h"
#include "milter/protocol.h"
#include "milter/socket_address.h"

namespace gate::milter {
namespace {

// All that this version of the protocol has.
constexpr Features kOffered = {
    .actions = (kActionSetMacros << 1) - 1,
    .steps = (kStepHeaderValueLeadingSpace << 1) - 1,
};

absl::Status TooLate(std::chrono::seconds patience) {
  return absl::UnavailableError(
      absl::StrFormat("no answer within %d s", patience.count()));
}

// A full queue of connections ends a connect to a unix socket with EAGAIN, a
// silent host one by TCP with EINPROGRESS, each when the time is up.
absl::StatusOr<UniqueFd> Connect(const SocketAddress& address,
                                 std::chrono::seconds patience) {
  UniqueFd fd(socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{.tv_sec = patience.count(), .tv_usec = 0};
  if (fd.get() >= 0 &&
      setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) ==
          0 &&
      connect(fd.get(), address.get(), address.size) == 0) {
    return fd;
  }
  if (errno == EAGAIN || errno == EINPROGRESS) return TooLate(patience);
  return absl::UnavailableError(std::strerror(errno));
}

// Both protocols of ours frame a message alike: by its length in 4 bytes. So
// control_stream sends and receives what protocol.h writes and reads.
std::string_view WithoutLength(std::string_view packet) {
  return packet.substr(kPacketHead);
}

absl::Status Negotiate(int fd, Deadline deadline) {
  std::string packet;
  AppendNegotiation(kProtocolVersion, kOffered, {}, packet);
  if (auto status = SendMessage(fd, WithoutLength(packet), deadline);
      !status.ok()) {
    return status;
  }
  const auto answer = ReceiveMessage(fd, kMaxPacketData + 1, deadline);
  if (absl::IsResourceExhausted(answer.status())) {
    return absl::UnavailableError("what answers is no milter");
  }
  if (!answer.ok()) return answer.status();
  const bool negotiates =
      !answer->empty() &&
      answer->front() == static_cast<char>(Command::kNegotiate) &&
      DecodeOffer(std::string_view(*answer).substr(1)).has_value();
  if (!negotiates) return absl::UnavailableError("what answers is no milter");
  return SendMessage(fd, std::string(1, static_cast<char>(Command::kQuit)),
                     deadline);
}

}  // namespace

absl::Status PingMilter(const std::string& address,
                        std::chrono::seconds patience) {
  const Deadline deadline = std::chrono::steady_clock::now() + patience;
  const auto parsed = SocketAddress::Parse(address);
  if (!parsed.ok()) return parsed.status();
  const auto fd = Connect(*parsed, patience);
  absl::Status status = fd.ok() ? Negotiate(fd->get(), deadline) : fd.status();
  if (absl::IsDeadlineExceeded(status)) status = TooLate(patience);
  if (status.ok()) return status;
  return absl::UnavailableError(
      absl::StrCat("milter ", address, ": ", status.message()));
}

}  // namespace gate::milter
