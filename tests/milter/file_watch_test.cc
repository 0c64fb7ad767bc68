#include "milter/file_watch.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "gtest/gtest.h"
#include "tests/mta/temp_dir.h"

namespace gate::milter {
namespace {

class FileWatchTest : public testing::Test {
 protected:
  void Write(const std::string& content) {
    ASSERT_TRUE(mta::WriteFile(path_, content));
  }
  // Watches the file as read just now, or ever so long after it was written.
  void WatchAsRead() { watch_.Watch({path_}, kForever); }
  void WatchAsWrittenSince() { watch_.Watch({path_}, 0); }

  static constexpr int64_t kForever = INT64_MAX;
  mta::TempDir folder_;
  std::string path_ = folder_.path() + "/list";
  FileWatch watch_;
};

TEST_F(FileWatchTest, SaysNothingOfAFileThatStays) {
  Write("a");
  WatchAsRead();
  EXPECT_FALSE(watch_.Poll());
  EXPECT_FALSE(watch_.Poll());
}

TEST_F(FileWatchTest, WaitsUntilAFileHasSettledAndSaysSoOnce) {
  Write("a");
  WatchAsRead();
  Write("ab");
  EXPECT_FALSE(watch_.Poll()) << "it may still be written";
  Write("abc");
  EXPECT_FALSE(watch_.Poll());
  EXPECT_TRUE(watch_.Poll());
  EXPECT_FALSE(watch_.Poll());
}

TEST_F(FileWatchTest, SeesAFilePutInPlaceByRename) {
  Write("a");
  WatchAsRead();
  ASSERT_TRUE(mta::WriteFile(path_ + ".new", "b"));
  ASSERT_EQ(std::rename((path_ + ".new").c_str(), path_.c_str()), 0);
  EXPECT_FALSE(watch_.Poll());
  EXPECT_TRUE(watch_.Poll());
}

TEST_F(FileWatchTest, SeesAFileGoAndComeBack) {
  Write("a");
  WatchAsRead();
  ASSERT_EQ(unlink(path_.c_str()), 0);
  watch_.Poll();
  EXPECT_TRUE(watch_.Poll());
  Write("a");
  watch_.Poll();
  EXPECT_TRUE(watch_.Poll());
}

TEST_F(FileWatchTest, SeesWhatWasWrittenWhileThePolicyWasLoaded) {
  Write("a");
  WatchAsWrittenSince();
  EXPECT_TRUE(watch_.Poll());
  EXPECT_FALSE(watch_.Poll());
}

}  // namespace
}  // namespace gate::milter
