#include "policy/state_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/statistics_record.h"
#include "tests/mta/temp_dir.h"

namespace gate::policy {
namespace {

using mta::ReadFile;
using mta::WriteFile;
using testing::ElementsAre;
using testing::HasSubstr;

SavedState Example() {
  SavedState state;
  state.saved_us = 61'000'000;
  StatisticsSnapshot& statistics = state.statistics;
  for (size_t i = 0; i < kCounters; ++i) statistics.counters[i] = 100 + i;
  statistics.counter_series[2] = {.minutes = {0, 1}, .tens = {3}};
  statistics.rules = {{.stage = rules::Stage::kRcpt,
                       .rule = "no_relay",
                       .action = rules::Action::kReject,
                       .shadow = true,
                       .held = {.total = uint64_t{1} << 40,
                                .last_hour = 4,
                                .last_day = 5,
                                .last_us = 60'000'000,
                                .series = {.minutes = {4}, .tens = {5}}},
                       .repeats = {.total = 7}}};
  statistics.limits = {{.limit = "per_user", .over = {.total = 8}}};
  statistics.events[3] = {
      .durations = {{.up_to_us = 10, .count = 2}, {.up_to_us = 0, .count = 1}},
      .sum_us = 12};
  statistics.store.sum_us = 13;
  statistics.minute_us = 60'000'000;
  state.top.push_back({.period = TopPeriod::kDay, .number = 9, .keys = {}});
  state.top[0].keys[static_cast<size_t>(TopKind::kUser)] = {
      {.key = std::string("a\0\xff", 3), .count = 6, .error = 5}};
  return state;
}

class StateFileTest : public testing::Test {
 protected:
  std::string Path(const std::string& name) const {
    return folder_ + "/" + name;
  }

  mta::TempDir parent_;
  const std::string folder_ = parent_.path() + "/state";
  DiskJournalFiles files_;
};

TEST_F(StateFileTest, KeepsEveryNumber) {
  const auto again = ParseState(SerializeState(Example()));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->saved_us, 61'000'000);
  EXPECT_EQ(SerializeStatistics(again->statistics),
            SerializeStatistics(Example().statistics));
  ASSERT_EQ(again->top.size(), 1u);
  EXPECT_EQ(again->top[0].period, TopPeriod::kDay);
  EXPECT_EQ(again->top[0].number, 9);
  const auto& users = again->top[0].keys[static_cast<size_t>(TopKind::kUser)];
  ASSERT_EQ(users.size(), 1u);
  EXPECT_EQ(users[0].key, std::string("a\0\xff", 3));
  EXPECT_EQ(users[0].count, 6u);
  EXPECT_EQ(users[0].error, 5u);
}

TEST_F(StateFileTest, ChangedAndCutBytesAreNoState) {
  const std::string good = SerializeState(Example());
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    EXPECT_FALSE(ParseState(bad).ok()) << "byte " << i;
    EXPECT_FALSE(ParseState(good.substr(0, i)).ok()) << "cut at " << i;
  }
  EXPECT_FALSE(ParseState(good + "x").ok());
}

TEST_F(StateFileTest, MakesItsFolderAndReadsWhatItSaved) {
  StateFile first(folder_, files_);
  EXPECT_TRUE(absl::IsNotFound(first.Read().status()));
  ASSERT_TRUE(first.Save(Example()).ok());
  SavedState newer = Example();
  newer.saved_us = 62'000'000;
  ASSERT_TRUE(first.Save(newer).ok());
  struct stat status = {};
  ASSERT_EQ(stat(Path("statistics").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
  EXPECT_NE(access(Path("statistics.new").c_str(), F_OK), 0);
  const auto read = StateFile(folder_, files_).Read();
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->saved_us, 62'000'000);
}

// Who may write in the folder must not make us write elsewhere.
TEST_F(StateFileTest, FollowsNoLink) {
  StateFile file(folder_, files_);
  ASSERT_TRUE(file.Save(Example()).ok());
  const std::string other = parent_.path() + "/other";
  ASSERT_TRUE(WriteFile(other, "precious"));
  ASSERT_EQ(symlink(other.c_str(), Path("statistics.new").c_str()), 0);
  ASSERT_TRUE(file.Save(Example()).ok());
  EXPECT_EQ(ReadFile(other), "precious");
  EXPECT_TRUE(file.Read().ok());
}

TEST_F(StateFileTest, PutsAsideWhatItCannotRead) {
  ASSERT_EQ(mkdir(folder_.c_str(), 0750), 0);
  ASSERT_TRUE(WriteFile(Path("statistics"), "somebody's thesis"));
  StateFile file(folder_, files_);
  const absl::Status status = file.Read().status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_EQ(std::string(status.message()),
            Path("statistics") +
                ": not written by this version of gatemilter; it is kept as " +
                Path("statistics.damaged"));
  ASSERT_TRUE(file.Save(Example()).ok());
  EXPECT_EQ(ReadFile(Path("statistics.damaged")), "somebody's thesis");
  EXPECT_TRUE(file.Read().ok());
}

TEST_F(StateFileTest, PutsAsideWhatIsNoFile) {
  ASSERT_EQ(mkdir(folder_.c_str(), 0750), 0);
  ASSERT_EQ(mkdir(Path("statistics").c_str(), 0750), 0);
  StateFile file(folder_, files_);
  EXPECT_TRUE(absl::IsDataLoss(file.Read().status()));
  EXPECT_TRUE(file.Save(Example()).ok());
}

TEST_F(StateFileTest, TwoDoNotSaveInOneFolder) {
  StateFile first(folder_, files_);
  ASSERT_TRUE(first.Save(Example()).ok());
  DiskJournalFiles other_files;
  StateFile second(folder_, other_files);
  // The first may be about to end: its numbers are gone on with.
  EXPECT_TRUE(second.Read().ok());
  const absl::Status status = second.Save(Example());
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("another gatemilter writes there"));
  ASSERT_TRUE(WriteFile(Path("statistics"), "damaged"));
  EXPECT_TRUE(absl::IsDataLoss(second.Read().status()));
  EXPECT_EQ(ReadFile(Path("statistics")), "damaged") << "not ours to move";
}

TEST_F(StateFileTest, SavesWhenTheOtherIsGone) {
  DiskJournalFiles files;
  StateFile second(folder_, files);
  {
    DiskJournalFiles other_files;
    StateFile first(folder_, other_files);
    ASSERT_TRUE(first.Save(Example()).ok());
    EXPECT_FALSE(second.Save(Example()).ok());
  }
  EXPECT_TRUE(second.Save(Example()).ok());
}

}  // namespace
}  // namespace gate::policy
