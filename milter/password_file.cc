#include "milter/password_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "absl/strings/str_format.h"

namespace gate::milter {
namespace {

absl::Status Fault(const std::string& path, std::string_view what) {
  return absl::FailedPreconditionError(
      absl::StrFormat("password file %s: %s", path, what));
}

}  // namespace

absl::StatusOr<std::string> ReadPasswordFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Fault(path, std::strerror(errno));
  struct stat status = {};
  fstat(fd, &status);
  std::array<char, 1024> text = {};
  const ssize_t size = read(fd, text.data(), text.size());
  const int error = errno;
  close(fd);
  if (size < 0) return Fault(path, std::strerror(error));
  if ((status.st_mode & S_IROTH) != 0) {
    return Fault(path, "everybody may read it; chmod o-r");
  }
  std::string password(text.data(), static_cast<size_t>(size));
  password.erase(std::min(password.find_first_of("\r\n"), password.size()));
  if (password.empty()) {
    return Fault(path, "its first line is empty; the password belongs there");
  }
  return password;
}

}  // namespace gate::milter
