#include "milter/daemon_sockets.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "milter/control.h"
#include "milter/inherited_sockets.h"

namespace gate::milter {
namespace {

constexpr const char* kRunDirectory = "/run/gatemilter";

// The directory of the default control socket; the daemon's user must be able
// to remove the socket from it again.
absl::Status MakeRunDirectory(const std::string& user) {
  if (mkdir(kRunDirectory, 0755) != 0) {
    if (errno == EEXIST) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat(kRunDirectory, ": ", std::strerror(errno),
                     "; create it, or name another place with `set control "
                     "\"unix:/path\"`"));
  }
  const passwd* entry = user.empty() ? nullptr : getpwnam(user.c_str());
  if (entry != nullptr &&
      chown(kRunDirectory, entry->pw_uid, entry->pw_gid) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(kRunDirectory, ": chown: ", std::strerror(errno)));
  }
  return absl::OkStatus();
}

absl::StatusOr<Listener> OpenControl(const rules::Settings& settings,
                                     InheritedSockets& inherited) {
  rules::SocketSetting control;
  if (settings.control.has_value()) {
    control = *settings.control;
  } else {
    control.address = kDefaultControlAddress;
    absl::Status made = MakeRunDirectory(settings.user);
    if (!made.ok()) return made;
  }
  return Listener::Open(control, inherited);
}

}  // namespace

absl::StatusOr<DaemonSockets> DaemonSockets::Open(
    const rules::Settings& settings, const std::string& policy_file) {
  if (settings.sockets.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        policy_file,
        ": no socket to listen on; add `set socket "
        "\"unix:/path\"`, or start with --set 'socket \"unix:/path\"'"));
  }
  absl::StatusOr<InheritedSockets> inherited = InheritedSockets::Take();
  if (!inherited.ok()) return inherited.status();
  std::vector<Listener> milter;
  for (const rules::SocketSetting& setting : settings.sockets) {
    absl::StatusOr<Listener> opened = Listener::Open(setting, *inherited);
    if (!opened.ok()) return opened.status();
    milter.push_back(*std::move(opened));
  }
  absl::StatusOr<Listener> control = OpenControl(settings, *inherited);
  if (!control.ok()) return control.status();
  std::optional<Listener> web;
  if (settings.metrics) {
    absl::StatusOr<Listener> opened =
        Listener::Open(*settings.metrics, *inherited);
    if (!opened.ok()) return opened.status();
    web = *std::move(opened);
  }
  if (absl::Status status = inherited->CheckAllClaimed(); !status.ok()) {
    return status;
  }
  return DaemonSockets{std::move(milter), *std::move(control), std::move(web)};
}

// Of "inet:9554@127.0.0.1".
std::string DaemonSockets::PageUrl() const {
  if (!web) return {};
  const std::string& address = web->address();
  const size_t port = address.find(':') + 1;
  const size_t at = address.find('@');
  const std::string host = address.substr(at + 1);
  const std::string name = absl::StrContains(host, ':')  // an IPv6 address
                               ? absl::StrCat("[", host, "]")
                               : host;
  return absl::StrCat("http://", name, ":", address.substr(port, at - port),
                      "/");
}

}  // namespace gate::milter
