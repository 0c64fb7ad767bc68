#include "policy/journal_writer.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "policy/clock.h"
#include "policy/journal_sink.h"
#include "policy/memory_store.h"
#include "policy/recorder.h"
#include "policy/statistics.h"
#include "tests/policy/engine_fixture.h"
#include "tests/policy/journal_fixture.h"

namespace gate::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Clocks = std::chrono::steady_clock;

constexpr absl::Duration kLong = absl::Seconds(30);

class JournalWriterTest : public JournalTest {
 protected:
  std::unique_ptr<JournalWriter> Open(size_t queue_bytes = 8 << 20) {
    files_ = std::make_unique<MoodyFiles>();
    auto opened = JournalWriter::Open(
        {.bounds = {.folder = Folder()}, .queue_bytes = queue_bytes}, *files_,
        clock_, told_);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened.ok() ? *std::move(opened) : nullptr;
  }
  // Each with the next reference.
  void Append(JournalWriter& writer, int count, size_t bytes = 100) {
    for (int i = 0; i < count; ++i) {
      const std::string record =
          RecordOf({.wall_us = 1'000'000 + next_,
                    .reference = static_cast<uint64_t>(next_),
                    .filling = std::string(bytes, 'x')});
      ++next_;
      const auto begin = Clocks::now();
      taken_ += writer.Append(record) ? 1 : 0;
      longest_ = std::max(longest_, Clocks::now() - begin);
    }
  }

  SystemClock clock_;
  std::unique_ptr<MoodyFiles> files_;  // of the last Open
  ToldObserver told_;
  int64_t next_ = 1;
  uint64_t taken_ = 0;
  Clocks::duration longest_{};  // Append
};

TEST_F(JournalWriterTest, KeepsWhatItIsGiven) {
  const auto writer = Open();
  Append(*writer, 1000);
  ASSERT_TRUE(writer->Flush(kLong));
  EXPECT_THAT(Find({}), SizeIs(1000));
  const JournalGauges gauges = writer->Gauges();
  EXPECT_EQ(gauges.records, 1000U);
  EXPECT_EQ(gauges.dropped, 0U);
  EXPECT_EQ(gauges.bytes, BytesOfSegments());
  EXPECT_EQ(gauges.disk_bytes, BytesOfSegments());
  EXPECT_EQ(gauges.error, "");
  EXPECT_GT(gauges.oldest_us, 0);
}

TEST_F(JournalWriterTest, WritesSoonWithoutBeingAsked) {
  const auto writer = Open();
  const auto begin = Clocks::now();
  Append(*writer, 1);
  while (Find({}).empty() && Clocks::now() - begin < std::chrono::seconds(30)) {
    absl::SleepFor(absl::Milliseconds(5));
  }
  EXPECT_THAT(Find({}), SizeIs(1));
  // Without load half a second; the header promises one.
  EXPECT_LT(Clocks::now() - begin, std::chrono::seconds(5));
}

TEST_F(JournalWriterTest, WritesWhatIsQueuedWhenItEnds) {
  {
    const auto writer = Open();
    Append(*writer, 5000);
  }
  EXPECT_THAT(Find({}), SizeIs(5000));
}

TEST_F(JournalWriterTest, GoesOnBehindTheReferenceOfTheOneBefore) {
  {
    const auto writer = Open();
    EXPECT_EQ(writer->found().last_reference, 0U);
    Append(*writer, 10);
  }
  EXPECT_EQ(Open()->found().last_reference, 10U);
  // A kill between a segment's birth and its first block.
  std::ofstream(Folder() + "/29991231T000000.000000Z.journal");
  EXPECT_EQ(Open()->found().last_reference, 10U);
}

TEST_F(JournalWriterTest, TellsWhatAKillHasCut) {
  {
    const auto writer = Open();
    Append(*writer, 10);
    ASSERT_TRUE(writer->Flush(kLong));
    Append(*writer, 10);
  }
  const std::string path = Folder() + '/' + Segments().back();
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  const auto writer = Open();
  EXPECT_EQ(writer->found().cut_blocks, 1U);
  EXPECT_EQ(writer->found().last_reference, 10U);
  Append(*writer, 1);
  ASSERT_TRUE(writer->Flush(kLong));
  EXPECT_THAT(Find({}), SizeIs(11));
  EXPECT_EQ(search_.cut_blocks, 1U);
}

TEST_F(JournalWriterTest, SaysWhyAFolderCannotBeUsed) {
  MoodyFiles files;
  const auto opened = JournalWriter::Open(
      {.bounds = {.folder = dir_.path() + "/not/there"}}, files, clock_, told_);
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(std::string(opened.status().message()),
              HasSubstr("not/there: No such file or directory"));
}

// Tells once, counts all, never waits, and goes on when the disk is well.
TEST_F(JournalWriterTest, SurvivesAFullDisk) {
  const auto writer = Open();
  Append(*writer, 100);
  ASSERT_TRUE(writer->Flush(kLong));
  files_->full = true;
  Append(*writer, 5000);
  ASSERT_TRUE(writer->Flush(kLong));
  Append(*writer, 5000);
  ASSERT_TRUE(writer->Flush(kLong));
  EXPECT_EQ(writer->Gauges().dropped, 10'000U);
  EXPECT_EQ(writer->Gauges().records, 100U);
  EXPECT_THAT(writer->Gauges().error, HasSubstr("No space left on device"));
  EXPECT_THAT(told_.Failed(),
              ElementsAre(HasSubstr("No space left on device")));
  EXPECT_THAT(told_.Recovered(), IsEmpty());
  EXPECT_LT(longest_, std::chrono::seconds(1));

  files_->full = false;
  uint64_t tries = 0;
  while (told_.Recovered().empty() && ++tries < 300) {
    Append(*writer, 1);
    writer->Flush(kLong);
    told_.Await(1, 1, absl::Milliseconds(100));
  }
  const JournalGauges gauges = writer->Gauges();
  EXPECT_THAT(told_.Failed(), SizeIs(1));
  EXPECT_THAT(told_.Recovered(), ElementsAre(gauges.dropped));
  EXPECT_EQ(gauges.error, "");
  EXPECT_EQ(gauges.records + gauges.dropped, taken_);
  EXPECT_THAT(Find({}), SizeIs(gauges.records));
  EXPECT_LE(Segments().size(), 3U);
}

TEST_F(JournalWriterTest, FindsADiskMendedWithoutAnyDecision) {
  const auto writer = Open();
  files_->full = true;
  Append(*writer, 10);
  ASSERT_TRUE(told_.Await(1, 0, kLong));
  files_->full = false;
  ASSERT_TRUE(told_.Await(1, 1, kLong));
  EXPECT_THAT(told_.Recovered(), ElementsAre(10U));
  EXPECT_EQ(writer->Gauges().error, "");
  Append(*writer, 1);
  ASSERT_TRUE(writer->Flush(kLong));
  EXPECT_THAT(Find({}), ElementsAre(11U));
}

// Made years ago, as its time says.
TEST_F(JournalWriterTest, TellsWhatCannotBeRemovedAndGoesOn) {
  { Append(*Open(), 1); }
  const std::string old = Segments().front();
  std::filesystem::last_write_time(
      Folder() + '/' + old,
      std::filesystem::file_time_type::clock::now() - std::chrono::years(3));
  const auto writer = Open();
  files_->immutable = old;
  for (int i = 0; i < 3; ++i) {
    Append(*writer, 1);
    ASSERT_TRUE(writer->Flush(kLong));
  }
  EXPECT_THAT(told_.LeftOver(), ElementsAre(HasSubstr(old)));
  EXPECT_THAT(told_.Failed(), IsEmpty());
  EXPECT_EQ(writer->Gauges().records, 3U);
  EXPECT_EQ(writer->Gauges().dropped, 0U);
}

TEST_F(JournalWriterTest, AsksAnIllDiskOnceASecondOnly) {
  const auto writer = Open();
  files_->read_only = true;
  const auto begin = Clocks::now();
  for (int i = 0; i < 100; ++i) {
    Append(*writer, 700);
    ASSERT_TRUE(writer->Flush(kLong));
  }
  const auto seconds =
      std::chrono::ceil<std::chrono::seconds>(Clocks::now() - begin);
  EXPECT_LE(files_->creates, seconds.count() + 1);
  EXPECT_THAT(told_.Failed(), ElementsAre(HasSubstr("Read-only file system")));
  EXPECT_EQ(writer->Gauges().dropped, taken_);
}

TEST_F(JournalWriterTest, NeverWaitsForASlowDisk) {
  const auto writer = Open(/*queue_bytes=*/256 << 10);
  files_->delay_ms = 1000;
  const auto begin = Clocks::now();
  while (!told_.Await(1, 0, absl::ZeroDuration()) &&
         Clocks::now() - begin < std::chrono::seconds(30)) {
    Append(*writer, 100, 1000);
    absl::SleepFor(absl::Milliseconds(1));
  }
  EXPECT_THAT(told_.Failed(), ElementsAre(HasSubstr("slower")));
  EXPECT_LT(longest_, std::chrono::milliseconds(500)) << "it waited";
  EXPECT_GT(writer->Gauges().dropped, 0U);
  EXPECT_LE(writer->Gauges().queued_bytes, size_t{256} << 10);
  // A block or two, not the whole queue, until it is told.
  EXPECT_LT(Clocks::now() - begin, std::chrono::seconds(10));
  files_->delay_ms = 0;
}

// From the event to the disk: 1 s a write, and no event is late.
TEST_F(JournalWriterTest, LetsNoEventWaitForASlowDisk) {
  const auto writer = Open(/*queue_bytes=*/256 << 10);
  files_->delay_ms = 1000;
  Statistics statistics;
  JournalSink sink(*writer, statistics);
  Recorder recorder(statistics, {}, {&sink});
  References references(/*node=*/0);
  Engine engine(clock_, statistics, recorder, references);
  engine.Install(PolicyOf("at mail { all: reject 550 5.7.1 \"no\" }", {}));
  MemoryStore store;
  FakeMta mta(engine, store);
  mta.Open();
  mta.Connect();
  const std::string sender = '<' + std::string(200, 'a') + "@sender.example>";
  const auto until = Clocks::now() + std::chrono::seconds(3);
  Clocks::duration longest{};
  while (Clocks::now() < until) {
    const auto begin = Clocks::now();
    mta.Mail(sender);
    longest = std::max(longest, Clocks::now() - begin);
    absl::SleepFor(absl::Microseconds(100));
  }
  // A second is what it would wait; the rest is for machines with much to do.
  EXPECT_LT(longest, std::chrono::milliseconds(400));
  EXPECT_GT(writer->Gauges().dropped, 0U);
  EXPECT_THAT(told_.Failed(), ElementsAre(HasSubstr("slower")));
  files_->delay_ms = 0;
}

TEST_F(JournalWriterTest, EndsSoonOnASlowDisk) {
  auto writer = Open();
  files_->delay_ms = 1000;
  Append(*writer, 5000, 1000);  // eighty blocks
  // In the middle of them.
  while (files_->appends == 0) absl::SleepFor(absl::Milliseconds(1));
  const auto begin = Clocks::now();
  writer.reset();
  EXPECT_LT(Clocks::now() - begin, std::chrono::seconds(20));
  EXPECT_GT(Find({}).size(), 0U);
}

TEST_F(JournalWriterTest, KeepsPoliciesForRecordsThatComeAfterThem) {
  const auto writer = Open();
  files_->full = true;
  writer->PutPolicy(1, "one");
  ASSERT_TRUE(writer->Flush(kLong));
  writer->PutPolicy(2, "two");
  ASSERT_TRUE(writer->Flush(kLong));
  files_->full = false;
  const JournalReader reader(Folder());
  for (int i = 0; i < 300 && !reader.Policy(2).ok(); ++i) {
    absl::SleepFor(absl::Milliseconds(50));
  }
  EXPECT_EQ(reader.Policy(1).value_or(""), "one");
  EXPECT_EQ(reader.Policy(2).value_or(""), "two");
  EXPECT_TRUE(absl::IsNotFound(reader.Policy(3).status()));
}

TEST_F(JournalWriterTest, TakesFromManyThreads) {
  const auto writer = Open(/*queue_bytes=*/64 << 20);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&writer, thread] {
      for (int i = 0; i < 2000; ++i) {
        writer->Append(RecordOf(
            {.wall_us = 1,
             .reference = static_cast<uint64_t>(1 + thread * 2000 + i)}));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(writer->Flush(kLong));
  std::vector<uint64_t> found = Find({});
  std::sort(found.begin(), found.end());
  ASSERT_THAT(found, SizeIs(8000));
  for (uint64_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i], i + 1);
}

}  // namespace
}  // namespace gate::policy
