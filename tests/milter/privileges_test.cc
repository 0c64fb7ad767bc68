#include "milter/privileges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace gate::milter {
namespace {

using ::testing::HasSubstr;

// Each in a process of its own.

template <class Function>
int InChild(Function function) {
  const pid_t child = fork();
  if (child == 0) _exit(function());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(DropPrivileges, BecomesTheUserForGood) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  EXPECT_EQ(InChild([] {
              if (!DropPrivileges("nobody").ok()) return 1;
              const passwd* nobody = getpwnam("nobody");
              gid_t groups[64];
              const int count = getgroups(64, groups);
              for (int i = 0; i < count; ++i) {
                if (groups[i] == 0) return 2;
              }
              if (getegid() != nobody->pw_gid) return 3;
              return setuid(0) == 0 || geteuid() != nobody->pw_uid ? 4 : 0;
            }),
            0);
}

TEST(DropPrivileges, FailsWithoutTheRight) {
  if (geteuid() != 0) GTEST_SKIP() << "needs another user to begin with";
  EXPECT_EQ(InChild([] {
              if (!DropPrivileges("nobody").ok()) return 1;
              if (!DropPrivileges("nobody").ok()) return 2;  // already
              return DropPrivileges("daemon").ok() ? 3 : 0;
            }),
            0);
}

TEST(DropPrivileges, UnknownUserIsAnError) {
  EXPECT_THAT(std::string(DropPrivileges("no-such-user").message()),
              HasSubstr("user no-such-user does not exist; create it"));
  EXPECT_TRUE(DropPrivileges("").ok());
}

}  // namespace
}  // namespace gate::milter
