#include "policy/journal_folder.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <ctime>
#include <filesystem>
#include <iterator>
#include <string>

#include "policy/clock.h"
#include "policy/journal_block.h"
#include "policy/journal_names.h"
#include "tests/policy/journal_fixture.h"

namespace gate::policy {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kHour = 3600 * kSecond;
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kStart = int64_t{1'764'000'000} * kSecond;

class JournalFolderTest : public JournalTest {
 protected:
  // A folder, opened.
  std::unique_ptr<JournalFolder> Open(const JournalBounds& bounds,
                                      int64_t now_us = kStart) {
    files_ = std::make_unique<MoodyFiles>();
    auto folder = std::make_unique<JournalFolder>(bounds, *files_);
    const absl::Status opened = folder->Open(now_us);
    EXPECT_TRUE(opened.ok()) << opened;
    return folder;
  }
  JournalBounds Bounds() const { return {.folder = Folder()}; }
  static std::string Block(uint64_t reference, size_t bytes = 10) {
    BlockBuilder builder;
    std::string filling(bytes, 'x');
    for (size_t i = 0; i < bytes; ++i) {  // zstd finds little in it
      filling[i] = static_cast<char>((i * i * 2654435761U) >> 13);
    }
    const std::string record = RecordOf(
        {.wall_us = kStart, .reference = reference, .filling = filling});
    builder.Add(*ReadKeys(record), record);
    return std::string(builder.Pack());
  }

  std::unique_ptr<MoodyFiles> files_;  // of the last Open
};

TEST_F(JournalFolderTest, IsMadeAndHasNothing) {
  const auto folder = Open(Bounds());
  EXPECT_THAT(Segments(), IsEmpty());
  EXPECT_EQ(folder->bytes(), 0U);
  EXPECT_EQ(folder->oldest_us(), 0);
  EXPECT_THAT(folder->NewestFirst(), IsEmpty());
  EXPECT_THAT(Find({}), IsEmpty());
}

TEST_F(JournalFolderTest, IsOneWritersOwn) {
  const auto folder = Open(Bounds());
  MoodyFiles others;
  JournalFolder second(Bounds(), others);
  EXPECT_THAT(std::string(second.Open(kStart).message()),
              HasSubstr("another gatemilter"));
}

TEST_F(JournalFolderTest, BeginsASegmentADay) {
  const auto folder = Open(Bounds());
  for (int hour = 0; hour < 72; ++hour) {
    ASSERT_TRUE(folder->Append(Block(1), kStart + hour * kHour).ok());
  }
  EXPECT_THAT(Segments(), SizeIs(3));
  EXPECT_EQ(Segments().front(), SegmentName(kStart));
  EXPECT_EQ(folder->oldest_us(), kStart);
  EXPECT_EQ(folder->bytes(), BytesOfSegments());
}

TEST_F(JournalFolderTest, KeepsWithinItsBytesByItsOldest) {
  JournalBounds bounds = Bounds();
  bounds.max_bytes = 400'000;
  const auto folder = Open(bounds);
  for (uint64_t i = 1; i <= 100; ++i) {
    const auto now = kStart + static_cast<int64_t>(i) * kSecond;
    ASSERT_TRUE(folder->Append(Block(i, 20'000), now).ok());
    ASSERT_LE(folder->bytes(), bounds.max_bytes);
    ASSERT_EQ(folder->bytes(), BytesOfSegments());
  }
  EXPECT_GE(Segments().size(), 7U) << "an eighth goes at once";
  const auto found = Find({.order = JournalQuery::Order::kOldestFirst});
  EXPECT_EQ(found.back(), 100U);
  EXPECT_GE(found.size(), 12U);
  EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));
}

TEST_F(JournalFolderTest, RemovesWhatIsTooOld) {
  JournalBounds bounds = Bounds();
  bounds.keep_us = 8 * kDay;
  const auto folder = Open(bounds);
  for (int day = 0; day < 30; ++day) {
    ASSERT_TRUE(folder->Append(Block(1), kStart + day * (kDay + 1)).ok());
  }
  EXPECT_GE(Segments().size(), 8U);
  EXPECT_LE(Segments().size(), 10U);
  folder->RemoveOld(kStart + 90 * kDay);
  EXPECT_THAT(Segments(), SizeIs(1)) << "that which is written";
}

TEST_F(JournalFolderTest, GoesOnBehindWhatIsThere) {
  ASSERT_TRUE(Open(Bounds())->Append(Block(1), kStart).ok());
  const auto folder = Open(Bounds());
  EXPECT_EQ(folder->bytes(), BytesOfSegments());
  ASSERT_TRUE(folder->Append(Block(2), kStart).ok()) << "the same name";
  EXPECT_THAT(Segments(), SizeIs(2));
  EXPECT_THAT(Find({}), testing::ElementsAre(2U, 1U));
}

TEST_F(JournalFolderTest, KeepsItsOrderWhenTheClockGoesBack) {
  const auto folder = Open(Bounds());
  ASSERT_TRUE(folder->Append(Block(1), kStart).ok());
  ASSERT_TRUE(folder->Append(Block(2), kStart - kHour).ok());
  EXPECT_THAT(Segments(), SizeIs(1));
  ASSERT_TRUE(folder->Append(Block(3), kStart + 24 * kHour).ok());
  ASSERT_TRUE(folder->Append(Block(4), kStart - 10 * kDay).ok());
  EXPECT_THAT(Find({.order = JournalQuery::Order::kOldestFirst}),
              testing::ElementsAre(1U, 2U, 3U, 4U));
}

// A clock that was years ahead for a while must not keep anything for years.
TEST_F(JournalFolderTest, RemovesWhatAClockAheadHasWritten) {
  ASSERT_TRUE(Open(Bounds())->Append(Block(1), kStart).ok());
  const std::string path = Folder() + '/' + Segments().front();
  const timespec ahead[2] = {{.tv_sec = 4'000'000'000, .tv_nsec = 0},
                             {.tv_sec = 4'000'000'000, .tv_nsec = 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), ahead, 0), 0);
  const auto folder = Open(Bounds(), kStart);
  folder->RemoveOld(kStart + 13 * kDay);
  EXPECT_THAT(Segments(), SizeIs(1));
  folder->RemoveOld(kStart + 15 * kDay);
  EXPECT_THAT(Segments(), IsEmpty());
}

TEST_F(JournalFolderTest, LeavesNoFileForEachTryOnAFullDisk) {
  const auto folder = Open(Bounds());
  ASSERT_TRUE(folder->Append(Block(1), kStart).ok());
  files_->full = true;
  for (int i = 1; i <= 50; ++i) {
    EXPECT_FALSE(folder->Append(Block(2), kStart + i * kSecond).ok());
  }
  EXPECT_THAT(Segments(), SizeIs(1));
  files_->full = false;
  ASSERT_TRUE(folder->Append(Block(3), kStart + kHour).ok());
  EXPECT_EQ(folder->bytes(), BytesOfSegments());
  EXPECT_THAT(Find({}), testing::ElementsAre(3U, 1U));
  EXPECT_EQ(search_.cut_blocks + search_.damaged_blocks, 0U);
}

TEST_F(JournalFolderTest, BeginsAnewWhenItsFilesAreRemoved) {
  const auto folder = Open(Bounds());
  ASSERT_TRUE(folder->PutPolicy(77, "words").ok());
  ASSERT_TRUE(folder->Append(Block(1), kStart).ok());
  for (const auto& entry : std::filesystem::directory_iterator(Folder())) {
    std::filesystem::remove(entry.path());
  }
  ASSERT_TRUE(folder->Append(Block(2), kStart + kSecond).ok());
  EXPECT_THAT(Find({}), testing::ElementsAre(2U));
  EXPECT_EQ(folder->bytes(), BytesOfSegments());
  EXPECT_EQ(JournalReader(Folder()).Policy(77).value_or(""), "words");
}

TEST_F(JournalFolderTest, ForgetsPoliciesNoRecordIsOf) {
  JournalBounds bounds = Bounds();
  bounds.keep_us = 8 * kDay;
  const auto folder = Open(bounds);
  const int64_t now = SystemClock().Read().wall_us;
  ASSERT_TRUE(folder->PutPolicy(1, "old").ok());
  ASSERT_TRUE(folder->PutPolicy(2, "new").ok());
  const JournalReader reader(Folder());
  ASSERT_TRUE(folder->Append(Block(1), now + 14 * kDay).ok());
  EXPECT_TRUE(reader.Policy(1).ok()) << "connections outlive their policy";
  ASSERT_TRUE(folder->Append(Block(1), now + 16 * kDay).ok());
  EXPECT_TRUE(absl::IsNotFound(reader.Policy(1).status()));
  EXPECT_EQ(reader.Policy(2).value_or(""), "new") << "it decides";
}

// Neither an old segment nor an old policy holds up what is to be written.
TEST_F(JournalFolderTest, GoesOnWhereSomethingOldCannotBeRemoved) {
  JournalBounds bounds = Bounds();
  bounds.keep_us = 8 * kDay;
  const auto folder = Open(bounds);
  const int64_t now = SystemClock().Read().wall_us;
  ASSERT_TRUE(folder->PutPolicy(1, "old").ok());
  ASSERT_TRUE(folder->PutPolicy(2, "new").ok());
  for (int day = 0; day < 3; ++day) {
    ASSERT_TRUE(folder->Append(Block(1), now + day * (kDay + 1)).ok());
  }
  EXPECT_TRUE(folder->left_over().ok()) << folder->left_over();
  files_->immutable = SegmentName(now);
  ASSERT_TRUE(folder->Append(Block(2), now + 60 * kDay).ok());
  EXPECT_THAT(std::string(folder->left_over().message()),
              HasSubstr(SegmentName(now) + ": Operation not permitted"));
  EXPECT_THAT(Segments(), SizeIs(2)) << "the others went";
  EXPECT_TRUE(absl::IsNotFound(JournalReader(Folder()).Policy(1).status()));
  EXPECT_EQ(folder->bytes(), BytesOfSegments());

  files_->immutable = "/none";
  folder->RemoveOld(now + 60 * kDay);
  EXPECT_TRUE(folder->left_over().ok()) << folder->left_over();
  EXPECT_THAT(Find({}), testing::ElementsAre(2U));
}

TEST_F(JournalFolderTest, MakesRoomByWhatCanBeRemoved) {
  JournalBounds bounds = Bounds();
  bounds.max_bytes = 400'000;
  const auto folder = Open(bounds);
  files_->immutable = SegmentName(kStart);
  for (uint64_t i = 0; i < 100; ++i) {
    const auto now = kStart + static_cast<int64_t>(i) * kSecond;
    ASSERT_TRUE(folder->Append(Block(1 + i, 20'000), now).ok());
    ASSERT_LE(BytesOfSegments(), bounds.max_bytes);
    ASSERT_EQ(folder->bytes(), BytesOfSegments());
  }
  EXPECT_THAT(std::string(folder->left_over().message()),
              HasSubstr("Operation not permitted"));
  const auto found = Find({.order = JournalQuery::Order::kOldestFirst});
  EXPECT_EQ(found.front(), 1U);
  EXPECT_EQ(found.back(), 100U);
}

TEST_F(JournalFolderTest, TriesADiskAndLeavesNothing) {
  const auto folder = Open(Bounds());
  const auto files = [this] {
    const std::filesystem::directory_iterator all(Folder());
    return std::distance(begin(all), end(all));
  };
  const auto before = files();
  EXPECT_TRUE(folder->Try().ok());
  EXPECT_EQ(files(), before);
  files_->full = true;
  EXPECT_FALSE(folder->Try().ok());
  EXPECT_EQ(files(), before);
}

TEST_F(JournalFolderTest, WritesNothingThatIsTooMuch) {
  JournalBounds bounds = Bounds();
  bounds.max_bytes = 100'000;
  const auto folder = Open(bounds);
  files_->keeps = true;
  uint64_t written = 0;
  for (uint64_t i = 1; i <= 20; ++i) {
    written += folder->Append(Block(i, 20'000), kStart).ok() ? 1 : 0;
  }
  EXPECT_GE(written, 3U);
  EXPECT_LT(written, 6U);
  EXPECT_LE(BytesOfSegments(), bounds.max_bytes);
}

}  // namespace
}  // namespace gate::policy
