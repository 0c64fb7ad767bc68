#include "milter/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"

namespace gate::milter {
namespace {

struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
};

absl::StatusOr<Account> FindAccount(const std::string& user) {
  passwd entry = {};
  passwd* found = nullptr;
  std::vector<char> buffer(16384);
  while (getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(),
                    &found) == ERANGE) {
    buffer.resize(buffer.size() * 2);
  }
  if (found == nullptr) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "user %s does not exist; create it (adduser --system %s), or name "
        "another one with `set user`",
        user, user));
  }
  return Account{.uid = entry.pw_uid, .gid = entry.pw_gid};
}

// What root can take back was not given away.
bool CanReturn(const Account& account) {
  if (account.uid == 0) return false;  // root was asked for
  return setuid(0) == 0 || seteuid(0) == 0 || getegid() != account.gid;
}

}  // namespace

absl::Status DropPrivileges(const std::string& user) {
  if (user.empty()) return absl::OkStatus();
  const absl::StatusOr<Account> account = FindAccount(user);
  if (!account.ok()) return account.status();
  const auto [uid, gid] = *account;
  if (getuid() == uid && geteuid() == uid) return absl::OkStatus();
  if (geteuid() != 0) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "cannot become user %s: only root can; start as root, or as %s", user,
        user));
  }
  if (initgroups(user.c_str(), gid) != 0 || setresgid(gid, gid, gid) != 0 ||
      setresuid(uid, uid, uid) != 0) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "cannot become user %s: %s", user, std::strerror(errno)));
  }
  if (CanReturn(*account)) {
    return absl::InternalError(
        absl::StrFormat("became user %s, but can become root again", user));
  }
  return absl::OkStatus();
}

}  // namespace gate::milter
