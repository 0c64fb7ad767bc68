// The bytes of the control socket: messages framed by a 4-byte big-endian
// length over a unix stream socket. Every wait has a deadline (style S26).
// Knows nothing of what the messages say.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gate::milter {

using Deadline = std::chrono::steady_clock::time_point;

// Owns a descriptor.
class UniqueFd {
 public:
  explicit UniqueFd(int fd = -1) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept;
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  ~UniqueFd();
  int get() const { return fd_; }
  // The caller's from now on.
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// A connected socket. `address` is "unix:/path"; errors name it and the
// repair.
absl::StatusOr<UniqueFd> ConnectControl(const std::string& address);

absl::Status SendMessage(int fd, std::string_view message, Deadline deadline);
// A longer message than `max_bytes` is an error before its content is read;
// so is an end of the stream.
absl::StatusOr<std::string> ReceiveMessage(int fd, size_t max_bytes,
                                           Deadline deadline);

}  // namespace gate::milter
