// Records, folders and disks for tests of the journal.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "policy/journal_files.h"
#include "policy/journal_reader.h"
#include "policy/journal_writer.h"
#include "policy/wire_writer.h"
#include "rules/facts.h"
#include "rules/ip_address.h"
#include "tests/mta/temp_dir.h"

namespace gate::policy {

// What a record is found by; all else of it is `filling`.
struct RecordSpec {
  int64_t wall_us = 0;
  uint64_t reference = 0;
  std::string client = {};  // empty: none
  std::string queue_id = {};
  std::string filling = "a reply";
};

inline std::string RecordOf(const RecordSpec& spec) {
  std::array<char, 70'000> memory;
  WireWriter out(memory);
  out.Number(1, static_cast<uint64_t>(spec.wall_us));
  out.Number(2, spec.reference);
  out.Number(4, 3);
  out.Number(5, 2);
  out.Bytes(9, spec.filling);
  if (const auto client = rules::IpAddress::Parse(spec.client)) {
    const auto* bytes = reinterpret_cast<const char*>(client->bytes().data());
    out.Message(11, [&] {
      out.Number(1, 1 + static_cast<uint64_t>(rules::FactId::kClientIp));
      out.Bytes(4, client->is_v4() ? std::string_view(bytes + 12, 4)
                                   : std::string_view(bytes, 16));
    });
  }
  if (!spec.queue_id.empty()) {
    out.Message(11, [&] {
      out.Number(1, 1 + static_cast<uint64_t>(rules::FactId::kQueueId));
      out.Bytes(2, spec.queue_id);
    });
  }
  return std::string(out.written());
}

// A real folder on a disk with moods. Thread-safe settings.
class MoodyFiles : public DiskJournalFiles {
 public:
  std::atomic<bool> full = false;       // half of what is appended fits
  std::atomic<bool> read_only = false;  // nothing can be made or changed
  std::atomic<bool> keeps = false;      // nothing can be removed
  // How the paths end that cannot be removed. Confined to one thread.
  std::string immutable = "/none";
  std::atomic<int64_t> delay_ms = 0;  // of each append
  std::atomic<int> appends = 0;       // tried
  std::atomic<int> creates = 0;       // tried

  absl::StatusOr<std::unique_ptr<JournalFile>> Create(
      const std::string& path) override {
    ++creates;
    if (read_only) return Error(path, "Read-only file system");
    auto file = DiskJournalFiles::Create(path);
    if (!file.ok()) return file.status();
    return std::make_unique<File>(*this, path, *std::move(file));
  }
  absl::Status Replace(const std::string& path,
                       std::string_view bytes) override {
    if (read_only) return Error(path, "Read-only file system");
    if (full) return Error(path, "No space left on device");
    return DiskJournalFiles::Replace(path, bytes);
  }
  absl::Status Remove(const std::string& path) override {
    if (read_only || keeps) return Error(path, "Read-only file system");
    if (path.ends_with(immutable))
      return Error(path, "Operation not permitted");
    return DiskJournalFiles::Remove(path);
  }

 private:
  class File : public JournalFile {
   public:
    File(MoodyFiles& disk, std::string path, std::unique_ptr<JournalFile> file)
        : disk_(disk), path_(std::move(path)), file_(std::move(file)) {}
    absl::Status Append(std::string_view bytes) override {
      ++disk_.appends;
      if (disk_.delay_ms > 0)
        absl::SleepFor(absl::Milliseconds(disk_.delay_ms.load()));
      if (disk_.full) return Error(path_, "No space left on device");
      if (disk_.read_only) return Error(path_, "Read-only file system");
      return file_->Append(bytes);
    }

   private:
    MoodyFiles& disk_;
    const std::string path_;
    std::unique_ptr<JournalFile> file_;
  };
  static absl::Status Error(const std::string& path, std::string_view why) {
    return absl::UnavailableError(path + ": " + std::string(why));
  }
};

// Keeps what it is told.
class ToldObserver : public JournalObserver {
 public:
  void JournalFailed(const std::string& why) noexcept override {
    const absl::MutexLock lock(&mutex);
    failed.push_back(why);
  }
  void JournalRecovered(uint64_t dropped) noexcept override {
    const absl::MutexLock lock(&mutex);
    recovered.push_back(dropped);
  }
  void JournalLeftOver(const std::string& why) noexcept override {
    const absl::MutexLock lock(&mutex);
    left_over.push_back(why);
  }
  std::vector<std::string> LeftOver() const {
    const absl::MutexLock lock(&mutex);
    return left_over;
  }
  std::vector<std::string> Failed() const {
    const absl::MutexLock lock(&mutex);
    return failed;
  }
  std::vector<uint64_t> Recovered() const {
    const absl::MutexLock lock(&mutex);
    return recovered;
  }
  // False: not in time.
  bool Await(size_t failures, size_t recoveries,
             absl::Duration patience) const {
    const auto told = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
      return failed.size() >= failures && recovered.size() >= recoveries;
    };
    const absl::MutexLock lock(&mutex);
    return mutex.AwaitWithTimeout(absl::Condition(&told), patience);
  }

  mutable absl::Mutex mutex;
  std::vector<std::string> failed ABSL_GUARDED_BY(mutex);
  std::vector<uint64_t> recovered ABSL_GUARDED_BY(mutex);
  std::vector<std::string> left_over ABSL_GUARDED_BY(mutex);
};

class JournalTest : public ::testing::Test {
 protected:
  std::string Folder() const { return dir_.path() + "/journal"; }
  // The names of the segments, in order.
  std::vector<std::string> Segments() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(Folder())) {
      if (entry.path().extension() == ".journal") {
        names.push_back(entry.path().filename());
      }
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  uint64_t BytesOfSegments() const {
    uint64_t bytes = 0;
    for (const std::string& name : Segments()) {
      bytes += std::filesystem::file_size(Folder() + '/' + name);
    }
    return bytes;
  }
  // The references that a search visits, in its order.
  std::vector<uint64_t> Find(const JournalQuery& query) const {
    std::vector<uint64_t> found;
    const auto searched = JournalReader(Folder()).Search(
        query, [&found](const RecordKeys& keys, std::string_view) {
          found.push_back(keys.reference);
          return true;
        });
    EXPECT_TRUE(searched.ok()) << searched.status();
    if (searched.ok()) search_ = *searched;
    return found;
  }

  mta::TempDir dir_;
  mutable JournalSearch search_;  // the last one
};

}  // namespace gate::policy
