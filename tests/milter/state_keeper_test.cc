#include "milter/state_keeper.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/mta/child_process.h"
#include "tests/mta/temp_dir.h"

namespace gate::milter {
namespace {

using policy::Counter;
using testing::HasSubstr;
using testing::Not;

// A disk that is full when it is told to be.
class FullDisk : public policy::DiskJournalFiles {
 public:
  absl::Status Replace(const std::string& path,
                       std::string_view bytes) override {
    ++attempts;
    if (full) return absl::UnavailableError(path + ".new: No space left");
    return DiskJournalFiles::Replace(path, bytes);
  }
  std::atomic<bool> full = false;
  std::atomic<int> attempts = 0;
};

// A gatemilter's life, from its start to its end.
struct Life {
  explicit Life(const std::string& folder)
      : keeper(std::make_unique<StateKeeper>(
            folder, disk, StateContext{clock, statistics, top_lists, log})) {}
  uint64_t Connections() const {
    return statistics.Snapshot()
        .counters[static_cast<size_t>(Counter::kConnections)];
  }

  policy::ManualClock clock;
  policy::Statistics statistics;
  policy::TopLists top_lists;
  Log log{"info", statistics};
  FullDisk disk;
  std::unique_ptr<StateKeeper> keeper;
};

class StateKeeperTest : public testing::Test {
 protected:
  StateKeeperTest() { testing::internal::CaptureStderr(); }
  // What the log said; ends the life.
  std::string EndOf(std::unique_ptr<Life>& life) {
    life.reset();
    std::string text = testing::internal::GetCapturedStderr();
    testing::internal::CaptureStderr();
    return text;
  }
  ~StateKeeperTest() override { testing::internal::GetCapturedStderr(); }

  static bool WaitForAttempts(const Life& life, int more) {
    const int until = life.disk.attempts + more;
    return mta::WaitUntil([&] { return life.disk.attempts >= until; },
                          std::chrono::seconds(20));
  }

  mta::TempDir folder_;
};

TEST_F(StateKeeperTest, GoesOnFromWhatWasSavedAtTheEnd) {
  auto life = std::make_unique<Life>(folder_.path());
  life->keeper->Start();
  life->statistics.Count(Counter::kConnections);
  life->statistics.Count(Counter::kConnections);
  policy::TopKeys keys;
  keys[static_cast<size_t>(policy::TopKind::kUser)] = "alice";
  life->top_lists.Add(keys, life->clock.Read().wall_us);
  EXPECT_THAT(EndOf(life), Not(HasSubstr("state")));

  life = std::make_unique<Life>(folder_.path());
  life->clock.Advance(5'000'000);
  life->keeper->Start(absl::Hours(1));
  EXPECT_EQ(life->Connections(), 2u);
  const policy::TopList users =
      life->top_lists.Top(policy::TopKind::kUser, policy::TopPeriod::kHour, 10,
                          life->clock.Read().wall_us);
  ASSERT_EQ(users.keys.size(), 1u);
  EXPECT_EQ(users.keys[0].key, "alice");
}

TEST_F(StateKeeperTest, SavesAgainAndAgain) {
  auto life = std::make_unique<Life>(folder_.path());
  life->keeper->Start(absl::Milliseconds(1));
  life->statistics.Count(Counter::kConnections);
  // Of these the first may have begun before, and the last may not have ended.
  ASSERT_TRUE(WaitForAttempts(*life, 3));
  // Another one sees it although the first did not end.
  auto other = std::make_unique<Life>(folder_.path());
  other->keeper->Start(absl::Hours(1));
  EXPECT_EQ(other->Connections(), 1u);
}

TEST_F(StateKeeperTest, SaysOnceThatItCannotSaveAndThatItCanAgain) {
  auto life = std::make_unique<Life>(folder_.path());
  life->disk.full = true;
  life->keeper->Start(absl::Milliseconds(1));
  ASSERT_TRUE(WaitForAttempts(*life, 5));
  life->clock.Advance(90'000'000);
  const StateReport ill = life->keeper->Report();
  EXPECT_EQ(ill.folder, folder_.path());
  EXPECT_THAT(ill.fault, HasSubstr("No space left"));
  EXPECT_EQ(ill.age_seconds, 90u);
  life->disk.full = false;
  ASSERT_TRUE(WaitForAttempts(*life, 5));
  EXPECT_EQ(life->keeper->Report().fault, "");
  EXPECT_EQ(life->keeper->Report().age_seconds, 0u);
  const std::string log = EndOf(life);
  const std::string fault =
      "state: " + folder_.path() +
      "/statistics.new: No space left; statistics are not saved until this is "
      "mended";
  const size_t first = log.find(fault);
  ASSERT_NE(first, std::string::npos) << log;
  EXPECT_EQ(log.find(fault, first + 1), std::string::npos) << log;
  EXPECT_THAT(log, HasSubstr("state: statistics are saved again"));
}

TEST_F(StateKeeperTest, BeginsAtZeroWhereTheFileIsDamaged) {
  ASSERT_TRUE(mta::WriteFile(folder_.path() + "/statistics", "\xff"));
  auto life = std::make_unique<Life>(folder_.path());
  life->keeper->Start();
  EXPECT_EQ(life->Connections(), 0u);
  const std::string log = EndOf(life);
  EXPECT_THAT(log, HasSubstr("it is kept as " + folder_.path() +
                             "/statistics.damaged; all counters begin at 0"));
}

TEST_F(StateKeeperTest, ServesWithoutAFolder) {
  auto life = std::make_unique<Life>(folder_.path() + "/none/at/all");
  life->keeper->Start(absl::Milliseconds(1));
  EXPECT_TRUE(
      mta::WaitUntil([&] { return !life->keeper->Report().fault.empty(); },
                     std::chrono::seconds(20)));
  EXPECT_THAT(EndOf(life), HasSubstr("/none/at/all: No such file"));
}

}  // namespace
}  // namespace gate::milter
