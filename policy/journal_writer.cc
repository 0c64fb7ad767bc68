#include "policy/journal_writer.h"

#include <cstring>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "policy/journal_block.h"
#include "policy/journal_reader.h"
#include "policy/record_keys.h"

namespace gate::policy {
namespace {

constexpr int64_t kSecondUs = 1'000'000;
// A block that is not full is written after so long.
constexpr int64_t kPatienceUs = kSecondUs / 2;
// After a failure, before it is tried again.
constexpr int64_t kRetryUs = kSecondUs;
constexpr absl::Duration kTick = absl::Milliseconds(250);

// Records, each behind its size.
class RecordQueue {
 public:
  // Takes its memory at once: appending must not ask for any.
  explicit RecordQueue(size_t capacity) : capacity_(capacity) {
    bytes_.reserve(capacity);
  }

  size_t bytes() const { return bytes_.size(); }
  size_t capacity() const { return capacity_; }
  bool Append(std::string_view record) {
    const auto size = static_cast<uint32_t>(record.size());
    if (bytes_.size() + sizeof size + size > capacity_) return false;
    bytes_.append(reinterpret_cast<const char*>(&size), sizeof size);
    bytes_ += record;
    return true;
  }
  void Clear() { bytes_.clear(); }
  template <class Visit>
  void ForEach(Visit visit) const {
    for (size_t at = 0; at < bytes_.size();) {
      uint32_t size = 0;
      std::memcpy(&size, bytes_.data() + at, sizeof size);
      visit(std::string_view(bytes_).substr(at + sizeof size, size));
      at += sizeof size + size;
    }
  }

 private:
  size_t capacity_;
  std::string bytes_;
};

struct PolicyText {
  uint64_t number = 0;
  std::string description;
};

}  // namespace

struct JournalWriter::Impl {
  Impl(const JournalOptions& options, JournalFiles& files, const Clock& time,
       JournalObserver& told)
      : folder(options.bounds, files),
        clock(time),
        observer(told),
        queue(options.queue_bytes),
        taken(options.queue_bytes) {}

  JournalFolder folder;  // of the thread, after Open
  const Clock& clock;
  JournalObserver& observer;
  JournalFound found;

  mutable absl::Mutex mutex;
  RecordQueue queue ABSL_GUARDED_BY(mutex);
  std::vector<PolicyText> policies ABSL_GUARDED_BY(mutex);
  JournalGauges gauges ABSL_GUARDED_BY(mutex);
  uint64_t rounds ABSL_GUARDED_BY(mutex) = 0;  // of the thread, that ended
  // The rounds before this one write also blocks that are not full.
  uint64_t flush_until ABSL_GUARDED_BY(mutex) = 0;
  bool stopping ABSL_GUARDED_BY(mutex) = false;

  // Of the thread.
  RecordQueue taken;
  BlockBuilder block;
  int64_t block_since_us = 0;
  int64_t removed_us = 0;             // when old segments were last looked for
  std::optional<PolicyText> pending;  // could not be put yet
  std::string error;
  int64_t failed_us = 0;
  uint64_t dropped_before = 0;  // when it failed
  uint64_t dropped_seen = 0;    // gauges.dropped, a round ago
  std::thread thread;

  void Run();
  // False: stop after this round.
  bool Take(std::vector<PolicyText>& put, bool& flush);
  void Round(const std::vector<PolicyText>& put, bool write_all);
  void PutPolicies(const std::vector<PolicyText>& put);
  void Write(int64_t now_us);
  void Drop(uint64_t records);
  bool MayTry(int64_t now_us) const;
  void Note(const absl::Status& status, int64_t now_us);
  void NoteDrops(int64_t now_us);
  void Recovered();
  uint64_t Dropped() const;
};

uint64_t JournalWriter::Impl::Dropped() const {
  const absl::MutexLock lock(&mutex);
  return gauges.dropped;
}

bool JournalWriter::Impl::Take(std::vector<PolicyText>& put, bool& flush) {
  const absl::MutexLock lock(&mutex);
  const auto awaited = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return stopping || rounds < flush_until || queue.bytes() >= kBlockBytes;
  };
  mutex.AwaitWithTimeout(absl::Condition(&awaited), kTick);
  std::swap(queue, taken);
  put = std::exchange(policies, {});
  flush = stopping || rounds < flush_until;
  return !stopping;
}

void JournalWriter::Impl::Run() {
  std::vector<PolicyText> put;
  bool flush = false;
  for (bool more = true; more;) {
    more = Take(put, flush);
    Round(put, flush);
    const absl::MutexLock lock(&mutex);
    ++rounds;
    gauges.segments = folder.segments();
    gauges.disk_bytes = folder.bytes();
    gauges.oldest_us = folder.oldest_us();
    gauges.error = error;
  }
}

void JournalWriter::Impl::Round(const std::vector<PolicyText>& put,
                                bool write_all) {
  PutPolicies(put);
  taken.ForEach([this](std::string_view record) {
    const auto keys = ReadKeys(record);
    if (!keys) return Drop(1);
    if (block.empty()) block_since_us = clock.Read().steady_us;
    block.Add(*keys, record);
    if (block.full()) Write(clock.Read().wall_us);
  });
  taken.Clear();
  const Now now = clock.Read();
  const bool late = now.steady_us - block_since_us >= kPatienceUs;
  if (!block.empty() && (write_all || late)) Write(now.wall_us);
  if (now.wall_us - removed_us >= 60 * kSecondUs && MayTry(now.wall_us)) {
    removed_us = now.wall_us;
    Note(folder.RemoveOld(now.wall_us), now.wall_us);
  }
  NoteDrops(now.wall_us);
}

void JournalWriter::Impl::PutPolicies(const std::vector<PolicyText>& put) {
  const int64_t now_us = clock.Read().wall_us;
  if (!put.empty()) pending = put.back();
  for (size_t i = 0; i + 1 < put.size(); ++i) {
    Note(folder.PutPolicy(put[i].number, put[i].description), now_us);
  }
  if (!pending || !MayTry(now_us)) return;
  const absl::Status status =
      folder.PutPolicy(pending->number, pending->description);
  if (status.ok()) pending.reset();
  Note(status, now_us);
}

bool JournalWriter::Impl::MayTry(int64_t now_us) const {
  return error.empty() || now_us - failed_us >= kRetryUs || now_us < failed_us;
}

// While the disk is ill it is asked once a second, not for each block.
void JournalWriter::Impl::Write(int64_t now_us) {
  const uint64_t records = block.records();
  const std::string_view bytes = block.Pack();
  if (!MayTry(now_us)) return Drop(records);
  const absl::Status status = folder.Append(bytes, now_us);
  if (status.ok()) {
    const absl::MutexLock lock(&mutex);
    gauges.records += records;
    gauges.bytes += bytes.size();
  } else {
    Drop(records);
  }
  Note(status, now_us);
}

void JournalWriter::Impl::Drop(uint64_t records) {
  const absl::MutexLock lock(&mutex);
  gauges.dropped += records;
}

void JournalWriter::Impl::Note(const absl::Status& status, int64_t now_us) {
  if (status.ok()) return Recovered();
  failed_us = now_us;
  const bool news = error.empty();
  error = std::string(status.message());
  if (!news) return;
  dropped_before = dropped_seen;
  observer.JournalFailed(error);
}

// What Append drops since the last round: the disk is slow, if it is not ill.
void JournalWriter::Impl::NoteDrops(int64_t now_us) {
  const uint64_t dropped = Dropped();
  const bool more = dropped != dropped_seen;
  if (more && error.empty()) {
    Note(absl::UnavailableError("the disk is slower than decisions come"),
         now_us);
  }
  dropped_seen = dropped;
}

void JournalWriter::Impl::Recovered() {
  if (error.empty() || Dropped() != dropped_seen) return;
  error.clear();
  observer.JournalRecovered(dropped_seen - dropped_before);
}

JournalWriter::JournalWriter(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {
  impl_->thread = std::thread([this] { impl_->Run(); });
}

absl::StatusOr<std::unique_ptr<JournalWriter>> JournalWriter::Open(
    const JournalOptions& options, JournalFiles& files, const Clock& clock,
    JournalObserver& observer) {
  auto impl = std::make_unique<Impl>(options, files, clock, observer);
  if (absl::Status opened = impl->folder.Open(); !opened.ok()) return opened;
  if (const std::string newest = impl->folder.newest(); !newest.empty()) {
    impl->found = InspectSegment(newest);
  }
  return std::unique_ptr<JournalWriter>(new JournalWriter(std::move(impl)));
}

JournalWriter::~JournalWriter() {
  {
    const absl::MutexLock lock(&impl_->mutex);
    impl_->stopping = true;
  }
  impl_->thread.join();
}

const JournalFound& JournalWriter::found() const { return impl_->found; }

bool JournalWriter::Append(std::string_view record) noexcept {
  const absl::MutexLock lock(&impl_->mutex);
  if (impl_->queue.Append(record)) return true;
  ++impl_->gauges.dropped;
  return false;
}

void JournalWriter::PutPolicy(uint64_t number, std::string_view description) {
  const absl::MutexLock lock(&impl_->mutex);
  impl_->policies.push_back({number, std::string(description)});
}

bool JournalWriter::Flush(absl::Duration patience) {
  const absl::MutexLock lock(&impl_->mutex);
  // The round under way may have begun before.
  const uint64_t until = impl_->rounds + 2;
  impl_->flush_until = until;
  const auto done = [this, until]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(
                        impl_->mutex) { return impl_->rounds >= until; };
  return impl_->mutex.AwaitWithTimeout(absl::Condition(&done), patience);
}

JournalGauges JournalWriter::Gauges() const {
  const absl::MutexLock lock(&impl_->mutex);
  JournalGauges gauges = impl_->gauges;
  gauges.queued_bytes = impl_->queue.bytes();
  gauges.queue_bytes = impl_->queue.capacity();
  return gauges;
}

}  // namespace gate::policy
