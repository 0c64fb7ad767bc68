// Becoming another user for good: after the sockets are bound, before the
// first thread starts.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace gate::milter {

// setgroups, setgid, setuid to `user`; fails when any right stays. Nothing
// happens when `user` is empty or already the process's user.
absl::Status DropPrivileges(const std::string& user);

}  // namespace gate::milter
