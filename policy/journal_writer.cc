#include "policy/journal_writer.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "policy/journal_block.h"
#include "policy/journal_queue.h"
#include "policy/journal_reader.h"
#include "policy/record_keys.h"
#include "policy/thread_name.h"

namespace gate::policy {
namespace {

constexpr int64_t kSecondUs = 1'000'000;
// A block that is not full is written after so long.
constexpr int64_t kPatienceUs = kSecondUs / 2;
// After a failure, before it is tried again.
constexpr int64_t kRetryUs = kSecondUs;
// Without a drop, before the disk counts as well again.
constexpr int64_t kCalmUs = kSecondUs;
// For what is queued at the end: a slow disk must not hold up a restart.
constexpr int64_t kStopPatienceUs = 5 * kSecondUs;
// Descriptions that wait for an ill disk.
constexpr size_t kMaxPending = 16;
constexpr int64_t kTickUs = kSecondUs / 4;

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
  JournalQueue queue ABSL_GUARDED_BY(mutex);
  std::vector<PolicyText> policies ABSL_GUARDED_BY(mutex);
  JournalGauges gauges ABSL_GUARDED_BY(mutex);
  uint64_t rounds ABSL_GUARDED_BY(mutex) = 0;  // of the thread, that ended
  // The rounds before this one write also blocks that are not full.
  uint64_t flush_until ABSL_GUARDED_BY(mutex) = 0;
  bool stopping ABSL_GUARDED_BY(mutex) = false;

  // Of the thread.
  JournalQueue taken;
  BlockBuilder block;
  int64_t block_since_us = 0;
  int64_t removed_us = 0;           // when old segments were last looked for
  std::vector<PolicyText> pending;  // could not be put yet
  bool ill = false;                 // as the observer was told
  bool left_over = false;           // as it was told, too
  bool writes = true;               // as the last try went
  int64_t failed_us = 0;            // the last try that went wrong
  int64_t dropped_us = 0;           // when drops were last seen
  uint64_t dropped_seen = 0;        // gauges.dropped then
  uint64_t dropped_before = 0;      // gauges.dropped when it fell ill
  std::optional<int64_t> stop_us;   // when to give up; steady, as all of these
  std::thread thread;

  void Run();
  // False: stop after this round.
  bool Take(std::vector<PolicyText>& put, bool& flush);
  absl::Duration Patience() const;
  void Round(std::vector<PolicyText>& put, bool write_all);
  void PutPolicies(std::vector<PolicyText>& put);
  void TryDisk(const Now& now);
  void Write();
  void NoteStop(const Now& now);
  void Drop(uint64_t records);
  bool MayTry(const Now& now) const;
  void Failed(const absl::Status& status, const Now& now);
  void FallIll(const std::string& why);
  void Look();
  uint64_t Dropped() const;
};

uint64_t JournalWriter::Impl::Dropped() const {
  const absl::MutexLock lock(&mutex);
  return gauges.dropped;
}

// Until the block that is begun must be written.
absl::Duration JournalWriter::Impl::Patience() const {
  if (block.empty()) return absl::Microseconds(kTickUs);
  const int64_t age_us = clock.Read().steady_us - block_since_us;
  return absl::Microseconds(
      std::clamp(kPatienceUs - age_us, int64_t{0}, kTickUs));
}

bool JournalWriter::Impl::Take(std::vector<PolicyText>& put, bool& flush) {
  const absl::Duration patience = Patience();
  // The first record begins a block: its time runs.
  const size_t enough = block.empty() ? 1 : kBlockBytes;
  const absl::MutexLock lock(&mutex);
  const auto awaited = [this, enough]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return stopping || rounds < flush_until || queue.bytes() >= enough;
  };
  mutex.AwaitWithTimeout(absl::Condition(&awaited), patience);
  std::swap(queue, taken);
  put = std::exchange(policies, {});
  flush = stopping || rounds < flush_until;
  return !stopping;
}

void JournalWriter::Impl::Run() {
  NameThread("journal");
  std::vector<PolicyText> put;
  bool flush = false;
  for (bool more = true; more;) {
    more = Take(put, flush);
    Round(put, flush);
    const absl::MutexLock lock(&mutex);
    ++rounds;
  }
}

void JournalWriter::Impl::Round(std::vector<PolicyText>& put, bool write_all) {
  PutPolicies(put);
  taken.ForEach([this](std::string_view record) {
    const auto keys = ReadKeys(record);
    if (!keys) return Drop(1);
    if (block.empty()) block_since_us = clock.Read().steady_us;
    block.Add(*keys, record);
    if (block.full()) Write();
  });
  taken.Clear();
  const Now now = clock.Read();
  const bool late = now.steady_us - block_since_us >= kPatienceUs;
  if (!block.empty() && (write_all || late)) Write();
  if (now.steady_us - removed_us >= 60 * kSecondUs && MayTry(now)) {
    removed_us = now.steady_us;
    folder.RemoveOld(now.wall_us);
  }
  if (!writes && block.empty() && !write_all && MayTry(now)) TryDisk(now);
  Look();
}

// Where no decision comes, the fault must end all the same.
void JournalWriter::Impl::TryDisk(const Now& now) {
  const absl::Status tried = folder.Try();
  if (!tried.ok()) return Failed(tried, now);
  writes = true;
}

void JournalWriter::Impl::PutPolicies(std::vector<PolicyText>& put) {
  std::move(put.begin(), put.end(), std::back_inserter(pending));
  if (pending.size() > kMaxPending) {
    pending.erase(pending.begin(),
                  pending.end() - static_cast<ptrdiff_t>(kMaxPending));
  }
  const Now now = clock.Read();
  size_t done = 0;
  for (; done < pending.size() && MayTry(now); ++done) {
    const PolicyText& policy = pending[done];
    const absl::Status status =
        folder.PutPolicy(policy.number, policy.description);
    if (!status.ok()) {
      Failed(status, now);
      break;
    }
    writes = true;
  }
  pending.erase(pending.begin(),
                pending.begin() + static_cast<ptrdiff_t>(done));
}

bool JournalWriter::Impl::MayTry(const Now& now) const {
  if (stop_us && now.steady_us >= *stop_us) return false;
  return writes || now.steady_us - failed_us >= kRetryUs;
}

// Also in the middle of a round: on a slow disk it takes minutes.
void JournalWriter::Impl::NoteStop(const Now& now) {
  const absl::MutexLock lock(&mutex);
  if (stopping && !stop_us) stop_us = now.steady_us + kStopPatienceUs;
}

// While the disk is ill it is asked once a second, not for each block.
void JournalWriter::Impl::Write() {
  const uint64_t records = block.records();
  const std::string_view bytes = block.Pack();
  const Now now = clock.Read();
  NoteStop(now);
  if (MayTry(now)) {
    const absl::Status status = folder.Append(bytes, now.wall_us);
    writes = status.ok();
    if (writes) {
      const absl::MutexLock lock(&mutex);
      gauges.records += records;
      gauges.bytes += bytes.size();
    } else {
      Failed(status, now);
      Drop(records);
    }
  } else {
    Drop(records);
  }
  Look();
}

void JournalWriter::Impl::Drop(uint64_t records) {
  const absl::MutexLock lock(&mutex);
  gauges.dropped += records;
}

void JournalWriter::Impl::Failed(const absl::Status& status, const Now& now) {
  failed_us = now.steady_us;
  writes = false;
  FallIll(std::string(status.message()));
}

void JournalWriter::Impl::FallIll(const std::string& why) {
  {
    const absl::MutexLock lock(&mutex);
    gauges.error = why;
  }
  if (std::exchange(ill, true)) return;
  dropped_before = dropped_seen;
  observer.JournalFailed(why);
}

// Drops of Append while the disk writes: it is slow. After each block: a round
// on a slow disk takes long.
void JournalWriter::Impl::Look() {
  const absl::Status& kept = folder.left_over();
  if (!std::exchange(left_over, !kept.ok()) && left_over) {
    observer.JournalLeftOver(std::string(kept.message()));
  }
  const int64_t now_us = clock.Read().steady_us;
  const uint64_t dropped = Dropped();
  if (dropped != dropped_seen) {
    if (!ill) FallIll("the disk is slower than decisions come");
    dropped_us = now_us;
    dropped_seen = dropped;
  }
  const bool well = ill && writes && now_us - dropped_us >= kCalmUs;
  {
    const absl::MutexLock lock(&mutex);
    gauges.segments = folder.segments();
    gauges.disk_bytes = folder.bytes();
    gauges.oldest_us = folder.oldest_us();
    if (well) gauges.error.clear();
  }
  if (!well) return;
  ill = false;
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
  const int64_t now_us = clock.Read().wall_us;
  if (absl::Status opened = impl->folder.Open(now_us); !opened.ok()) {
    return opened;
  }
  impl->found = InspectSegments(impl->folder.NewestFirst());
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
