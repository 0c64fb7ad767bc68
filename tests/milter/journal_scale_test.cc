// How large a journal of many records is, and how long the real `why` takes in
// it. GATE_JOURNAL_RECORDS: how many; 200,000 when it is not set.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "policy/clock.h"
#include "policy/journal_files.h"
#include "policy/journal_writer.h"
#include "policy/reference.h"
#include "tests/mta/gatemilter_process.h"
#include "tests/mta/temp_dir.h"
#include "tests/policy/journal_traffic.h"

namespace gate::milter {
namespace {

using Seconds = std::chrono::duration<double>;
using policy::JournalTraffic;
using testing::HasSubstr;

constexpr uint64_t kSeed = 20261125;

int64_t RecordsWanted() {
  const char* wanted = std::getenv("GATE_JOURNAL_RECORDS");
  return wanted == nullptr ? 200'000 : std::atoll(wanted);
}

class QuietObserver : public policy::JournalObserver {
 public:
  void JournalFailed(const std::string& why) noexcept override {
    ADD_FAILURE() << why;
  }
  void JournalRecovered(uint64_t) noexcept override {}
  void JournalLeftOver(const std::string& why) noexcept override {
    ADD_FAILURE() << why;
  }
};

// One journal for all tests: it takes a while to write.
class JournalScale : public testing::Test {
 protected:
  struct Sample {
    std::string reference;
    std::string client;
    std::string queue_id;
  };

  static void SetUpTestSuite() {
    folder_ = std::make_unique<mta::TempDir>();
    records_ = RecordsWanted();
    Write();
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static void Write() {
    const policy::SystemClock clock;
    policy::DiskJournalFiles files;
    QuietObserver observer;
    auto opened = policy::JournalWriter::Open(
        {.bounds = {.folder = folder_->path(),
                    .max_bytes = uint64_t{100} << 30}},
        files, clock, observer);
    ASSERT_TRUE(opened.ok()) << opened.status();
    policy::JournalWriter& writer = **opened;
    JournalTraffic traffic(kSeed, records_);
    writer.PutPolicy(traffic.description().number,
                     policy::Serialize(traffic.description()));
    int64_t written = 0;
    const auto visit = [&](const JournalTraffic::Refusal& refusal) {
      Keep(refusal, written);
      if (++written % 4096 == 0) {
        ASSERT_TRUE(writer.Flush(absl::Minutes(1)));
      }
      ASSERT_TRUE(writer.Append(refusal.record));
    };
    while (written < records_ && !HasFatalFailure()) traffic.Play(visit);
    ASSERT_TRUE(writer.Flush(absl::Minutes(1)));
    gauges_ = writer.Gauges();
  }
  // Of each twentieth of the journal one, and one with a queue id.
  static void Keep(const JournalTraffic::Refusal& refusal, int64_t number) {
    const auto part = static_cast<size_t>(number * 20 / records_);
    const bool queued = !refusal.queue_id.empty();
    auto& samples = queued ? queued_ : samples_;
    if (samples.size() > part) return;
    samples.push_back({.reference = policy::FormatReference(refusal.reference),
                       .client = std::string(refusal.client),
                       .queue_id = std::string(refusal.queue_id)});
  }

  // What the real command says; its time goes to `longest`: of the processor,
  // for others want it, too, and the journal is in memory already.
  static std::string Why(const std::string& query, Seconds& longest) {
    const Seconds begin = ChildrensTime();
    const mta::Outcome outcome =
        mta::Gatemilter({"why", "--journal", folder_->path(), query});
    longest = std::max(longest, ChildrensTime() - begin);
    return outcome.out;
  }
  static Seconds ChildrensTime() {
    rusage usage{};
    getrusage(RUSAGE_CHILDREN, &usage);
    const auto seconds = [](const timeval& time) {
      return Seconds(static_cast<double>(time.tv_sec) +
                     static_cast<double>(time.tv_usec) / 1e6);
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
  }
  static void Report(const char* what, double value, const char* unit) {
    std::printf("%s: %.3f %s (%lld records)\n", what, value, unit,
                static_cast<long long>(records_));
  }

  static inline std::unique_ptr<mta::TempDir> folder_;
  static inline int64_t records_ = 0;
  static inline policy::JournalGauges gauges_;
  static inline std::vector<Sample> samples_;
  static inline std::vector<Sample> queued_;
};

TEST_F(JournalScale, TakesAtMost140BytesARecord) {
  ASSERT_GE(gauges_.records, static_cast<uint64_t>(records_));
  ASSERT_EQ(gauges_.dropped, 0U);
  const double bytes = static_cast<double>(gauges_.disk_bytes) /
                       static_cast<double>(gauges_.records);
  Report("bytes a record", bytes, "bytes");
  EXPECT_LE(bytes, 140);
  EXPECT_GT(bytes, 20) << "that is no realistic record";
}

TEST_F(JournalScale, AnswersByReferenceWithinASecond) {
  ASSERT_GE(samples_.size(), 19U);
  Seconds longest{};
  for (const Sample& sample : samples_) {
    const std::string story = Why(sample.reference, longest);
    EXPECT_THAT(story, HasSubstr(sample.reference));
    EXPECT_THAT(story, HasSubstr(sample.client));
    EXPECT_THAT(story, HasSubstr("tried before: "));
  }
  Report("why by reference", longest.count(), "s");
  EXPECT_LE(longest.count(), 1);
}

TEST_F(JournalScale, AnswersByQueueIdWithinFiveSeconds) {
  ASSERT_GE(queued_.size(), 19U);
  Seconds longest{};
  for (const Sample& sample : queued_) {
    EXPECT_THAT(Why(sample.queue_id, longest), HasSubstr(sample.reference));
  }
  Report("why by queue id", longest.count(), "s");
  EXPECT_LE(longest.count(), 5);
}

TEST_F(JournalScale, AnswersByAddressOrNetworkWithinFiveSeconds) {
  Seconds address{};
  Seconds network{};
  for (const Sample& sample : samples_) {
    EXPECT_THAT(Why(sample.client, address), HasSubstr(sample.client));
    const bool v6 = sample.client.find(':') != std::string::npos;
    Why(sample.client + (v6 ? "/64" : "/24"), network);
  }
  Report("why by address", address.count(), "s");
  Report("why by network", network.count(), "s");
  EXPECT_LE(address.count(), 5);
  EXPECT_LE(network.count(), 5);
  // No filter knows networks as wide as this one, and nobody came from it.
  Seconds wide{};
  EXPECT_EQ(Why("10.0.0.0/8", wide), "");
  Report("why by a wide network", wide.count(), "s");
  EXPECT_LE(wide.count(), 5);
}

}  // namespace
}  // namespace gate::milter
