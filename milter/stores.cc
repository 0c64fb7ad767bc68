#include "milter/stores.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"

namespace gate::milter {
namespace {

constexpr absl::Duration kFirstOutcome = absl::Seconds(2);

absl::Status PasswordFault(const std::string& path, std::string_view what) {
  return absl::FailedPreconditionError(
      absl::StrFormat("password file %s: %s", path, what));
}

// The first line of the file.
absl::StatusOr<std::string> ReadPassword(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return PasswordFault(path, std::strerror(errno));
  struct stat status = {};
  fstat(fd, &status);
  std::array<char, 1024> text = {};
  const ssize_t size = read(fd, text.data(), text.size());
  close(fd);
  if (size < 0) return PasswordFault(path, std::strerror(errno));
  if ((status.st_mode & S_IROTH) != 0) {
    return PasswordFault(path, "everybody may read it; chmod o-r");
  }
  std::string password(text.data(), static_cast<size_t>(size));
  password.erase(std::min(password.find_first_of("\r\n"), password.size()));
  if (password.empty()) {
    return PasswordFault(path,
                         "its first line is empty; the password belongs "
                         "there");
  }
  return password;
}

}  // namespace

absl::StatusOr<std::optional<policy::RedisOptions>> ReadRedisOptions(
    const rules::Settings& settings) {
  if (!settings.redis) return std::nullopt;
  policy::RedisOptions options;
  options.address = settings.redis->address;
  options.user = settings.redis->user;
  options.database = settings.redis->database;
  options.deadline_us = settings.redis_deadline_us;
  if (!settings.redis->password_file.empty()) {
    absl::StatusOr<std::string> password =
        ReadPassword(settings.redis->password_file);
    if (!password.ok()) return password.status();
    options.password = *std::move(password);
  }
  return options;
}

Stores::Stores(const std::optional<policy::RedisOptions>& redis, Log& log)
    : log_(log),
      name_(redis ? "redis " + redis->address.ToString() : "memory") {
  if (!redis) return;
  RedisObserver& observer = *this;
  redis_.emplace(*redis, observer);
  fallback_.emplace(*redis_, memory_);
  redis_->AwaitFirstOutcome(kFirstOutcome);
}

policy::Store& Stores::store() {
  if (fallback_) return *fallback_;
  return memory_;
}

StoreReport Stores::Report() const {
  StoreReport report{.name = name_,
                     .shared = redis_ && redis_->shared(),
                     .why = {},
                     .entries = memory_.size(),
                     .evicted = memory_.evicted()};
  const absl::MutexLock lock(&mutex_);
  report.why = why_;
  return report;
}

void Stores::Shared(const rules::RedisAddress&) noexcept {
  log_.Info(absl::StrCat(name_, ": limits are shared"));
  const absl::MutexLock lock(&mutex_);
  why_.clear();
}

void Stores::Away(const rules::RedisAddress&, const std::string& why) noexcept {
  log_.Error(absl::StrCat(
      name_, ": ", why,
      "; until it is back each limit does what its `outage` says"));
  const absl::MutexLock lock(&mutex_);
  why_ = why;
}

}  // namespace gate::milter
