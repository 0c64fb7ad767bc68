#include "policy/journal_reader.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "policy/clock.h"
#include "policy/journal_block.h"
#include "policy/journal_writer.h"
#include "tests/policy/journal_fixture.h"

namespace gate::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Order = JournalQuery::Order;

// Three segments of two blocks of two records; record N has reference and time
// N, addresses and queue ids that repeat.
class JournalReaderTest : public JournalTest {
 protected:
  JournalReaderTest() {
    mkdir(Folder().c_str(), 0755);
    uint64_t next = 1;
    for (int segment = 1; segment <= 3; ++segment) {
      std::ofstream file(Name(segment), std::ios::binary);
      for (int block = 0; block < 2; ++block) {
        BlockBuilder builder;
        Add(next++, builder);
        Add(next++, builder);
        const std::string_view bytes = builder.Pack();
        block_bytes_ = bytes.size();
        file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
      }
    }
  }
  static void Add(uint64_t number, BlockBuilder& builder) {
    const std::string record =
        RecordOf({.wall_us = static_cast<int64_t>(number),
                  .reference = number,
                  .client = "192.0.2." + std::to_string(number % 4),
                  .queue_id = "Q" + std::to_string(number % 5)});
    builder.Add(*ReadKeys(record), record);
  }
  std::string Name(int segment) const {
    return Folder() + "/2026010" + std::to_string(segment) +
           "T000000.000000Z.journal";
  }
  static rules::IpPrefix Network(std::string_view text) {
    return *rules::IpPrefix::Parse(text);
  }
  // Changes a byte of a file.
  static void Damage(const std::string& path, size_t at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const int byte = file.get();
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(byte ^ 0x5a));
  }

  size_t block_bytes_ = 0;
};

TEST_F(JournalReaderTest, VisitsAllInBothOrders) {
  EXPECT_THAT(Find({.order = Order::kOldestFirst}),
              ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
  EXPECT_THAT(Find({}), ElementsAre(12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1));
  EXPECT_EQ(search_.damaged_blocks + search_.cut_blocks, 0U);
  EXPECT_FALSE(search_.stopped);
}

TEST_F(JournalReaderTest, FindsByEachKeyAndByAll) {
  EXPECT_THAT(Find({.reference = 7}), ElementsAre(7));
  EXPECT_THAT(Find({.reference = 13}), IsEmpty());
  EXPECT_THAT(Find({.queue_id = "Q2"}), ElementsAre(12, 7, 2));
  EXPECT_THAT(Find({.queue_id = "Q22"}), IsEmpty());
  EXPECT_THAT(Find({.network = Network("192.0.2.3")}), ElementsAre(11, 7, 3));
  EXPECT_THAT(Find({.network = Network("192.0.2.2/31")}),
              ElementsAre(11, 10, 7, 6, 3, 2));
  EXPECT_THAT(Find({.network = Network("192.0.2.0/24")}), SizeIs(12));
  EXPECT_THAT(Find({.network = Network("192.0.0.0/16")}), SizeIs(12));
  EXPECT_THAT(Find({.network = Network("0.0.0.0/0")}), SizeIs(12));
  EXPECT_THAT(Find({.network = Network("198.51.100.0/24")}), IsEmpty());
  EXPECT_THAT(Find({.network = Network("2001:db8::/32")}), IsEmpty());
  EXPECT_THAT(Find({.from_us = 5, .to_us = 7}), ElementsAre(7, 6, 5));
  EXPECT_THAT(
      Find({.queue_id = "Q2", .network = Network("192.0.2.3"), .from_us = 3}),
      ElementsAre(7));
}

TEST_F(JournalReaderTest, StopsWhenItIsTold) {
  std::vector<uint64_t> seen;
  const auto searched = JournalReader(Folder()).Search(
      {}, [&seen](const RecordKeys& keys, std::string_view) {
        seen.push_back(keys.reference);
        return seen.size() < 3;
      });
  EXPECT_THAT(seen, ElementsAre(12, 11, 10));
  EXPECT_TRUE(searched->stopped);
  EXPECT_FALSE(searched->ended);
}

TEST_F(JournalReaderTest, EndsAtTheNextBlockWhenItIsNotToGoOn) {
  std::atomic<bool> stop = false;
  std::vector<uint64_t> seen;
  const auto searched = JournalReader(Folder()).Search(
      {.end = {.stop = &stop}}, [&](const RecordKeys& keys, auto) {
        seen.push_back(keys.reference);
        stop = keys.reference == 7;
        return true;
      });
  EXPECT_THAT(seen, ElementsAre(12, 11, 10, 9, 8, 7));
  EXPECT_TRUE(searched->ended);
  EXPECT_FALSE(searched->stopped);
  EXPECT_THAT(Find({.end = {.stop = &stop}}), IsEmpty()) << "nothing at all";
}

TEST_F(JournalReaderTest, EndsWhenItsTimeIsOver) {
  const auto now = SearchEnd::Clock::now();
  EXPECT_THAT(Find({.end = {.at = now}}), IsEmpty());
  EXPECT_TRUE(search_.ended);
  EXPECT_THAT(Find({.end = {.at = now + std::chrono::hours(1)}}), SizeIs(12));
  EXPECT_FALSE(search_.ended);
}

TEST_F(JournalReaderTest, PassesOverEachDamagedByteAndLosesOneBlock) {
  const std::string path = Name(2);
  for (size_t at = 0; at < block_bytes_; ++at) {
    Damage(path, at);
    EXPECT_THAT(Find({}), ElementsAre(12, 11, 10, 9, 8, 7, 4, 3, 2, 1)) << at;
    EXPECT_EQ(search_.damaged_blocks, 1U) << at;
    Damage(path, at);
  }
  EXPECT_THAT(Find({}), SizeIs(12));
}

TEST_F(JournalReaderTest, ReadsWhatIsWholeOfASegmentCutAtAnyLength) {
  const std::string path = Name(2);
  for (size_t size = 2 * block_bytes_; size-- > 0;) {
    std::filesystem::resize_file(path, size);
    const size_t lost = size >= block_bytes_ ? 2 : 4;
    EXPECT_THAT(Find({}), SizeIs(12 - lost)) << size;
    const bool at_a_block = size == block_bytes_ || size == 0;
    EXPECT_EQ(search_.cut_blocks, at_a_block ? 0U : 1U) << size;
    EXPECT_EQ(search_.damaged_blocks, 0U) << size;
  }
}

TEST_F(JournalReaderTest, DoesNotCallTheEndOfTheNewestCut) {
  std::filesystem::resize_file(Name(3), 2 * block_bytes_ - 1);
  EXPECT_THAT(Find({}), SizeIs(10));
  EXPECT_EQ(search_.cut_blocks, 0U);
}

TEST_F(JournalReaderTest, FindsTheNextBlockBehindRubbish) {
  const std::string path = Name(2);
  const auto blocks = mta::ReadFile(path);
  for (const size_t size : {1U, 63U, 64U, 5000U, (1U << 20) - 64U,
                            (1U << 20) - 3U, (1U << 20) + 1U}) {
    std::string rubbish(size, 'x');
    // What looks like the begin of a block, everywhere.
    for (size_t at = 0; at + 4 <= size; at += 64) {
      rubbish.replace(at, 4, "GMJ1");
    }
    ASSERT_TRUE(mta::WriteFile(path, rubbish + blocks));
    EXPECT_THAT(Find({}), SizeIs(12)) << size;
    EXPECT_EQ(search_.damaged_blocks, 1U) << size;
  }
}

TEST_F(JournalReaderTest, IsNotMisledByOtherFiles) {
  mta::WriteFile(Folder() + "/notes.txt", "GMJ1");
  mta::WriteFile(Folder() + "/20260101T000000.journal", "GMJ1");
  mkdir((Folder() + "/20260109T000000.000000Z.journal").c_str(), 0755);
  EXPECT_THAT(Find({}), SizeIs(12));
}

TEST_F(JournalReaderTest, SaysWhyAFolderCannotBeRead) {
  const auto searched =
      JournalReader(dir_.path() + "/none")
          .Search({}, [](const RecordKeys&, std::string_view) { return true; });
  ASSERT_FALSE(searched.ok());
  EXPECT_THAT(std::string(searched.status().message()),
              testing::HasSubstr("none: No such file or directory"));
}

TEST_F(JournalReaderTest, LeavesNoDescriptorOpen) {
  const auto open = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                         {});
  };
  const auto before = open();
  for (int i = 0; i < 20; ++i) {
    Find({});
    Find({.reference = 12});
    EXPECT_FALSE(JournalReader(Folder()).Policy(1).ok());
  }
  EXPECT_EQ(open(), before);
}

TEST_F(JournalReaderTest, RefusesADescriptionThatIsDamaged) {
  const JournalReader reader(Folder());
  const std::string path = Folder() + "/policy-0000000000000001.zst";
  mta::WriteFile(path, "no zstd");
  EXPECT_TRUE(absl::IsNotFound(reader.Policy(1).status()));
  // A frame that says it holds 2^62 bytes.
  mta::WriteFile(path, std::string("\x28\xb5\x2f\xfd\xe0\0\0\0\0\0\0\0\x40\x01"
                                   "\0\0",
                                   16));
  EXPECT_TRUE(absl::IsNotFound(reader.Policy(1).status()));
}

// A writer with small bounds makes and removes segments all the time.
TEST_F(JournalReaderTest, ReadsWhileItIsWrittenAndRemoved) {
  const std::string folder = dir_.path() + "/busy";
  SystemClock clock;
  MoodyFiles files;
  ToldObserver told;
  auto writer = JournalWriter::Open(
      {.bounds = {.folder = folder, .max_bytes = 200'000}}, files, clock, told);
  ASSERT_TRUE(writer.ok());
  std::atomic<bool> done = false;
  std::thread thread([&] {
    uint64_t reference = 0;
    std::string filling(3000, 'x');
    for (int round = 0; round < 200; ++round) {
      for (int i = 0; i < 20; ++i) {
        for (char& c : filling) c = static_cast<char>(c * 5 + i + round);
        (*writer)->Append(RecordOf(
            {.wall_us = 1, .reference = ++reference, .filling = filling}));
      }
      (*writer)->Flush(absl::Seconds(30));
    }
    done = true;
  });
  size_t searches = 0;
  size_t found = 0;
  const JournalReader reader(folder);
  while (!done) {
    uint64_t last = ~uint64_t{0};
    const auto searched =
        reader.Search({}, [&](const RecordKeys& keys, std::string_view record) {
          EXPECT_LT(keys.reference, last);
          EXPECT_GT(record.size(), 3000U);
          last = keys.reference;
          ++found;
          return true;
        });
    ASSERT_TRUE(searched.ok()) << searched.status();
    EXPECT_EQ(searched->damaged_blocks, 0U);
    EXPECT_EQ(searched->cut_blocks, 0U);
    ++searches;
  }
  thread.join();
  EXPECT_GT(searches, 3U);
  EXPECT_GT(found, 100U);
  EXPECT_EQ((*writer)->Gauges().dropped, 0U);
  EXPECT_LE((*writer)->Gauges().disk_bytes, 200'000U);
}

}  // namespace
}  // namespace gate::policy
