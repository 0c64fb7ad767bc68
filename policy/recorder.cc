#include "policy/recorder.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cstring>
#include <exception>
#include <thread>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "policy/decision_writer.h"
#include "policy/thread_name.h"

namespace gate::policy {
namespace {

constexpr size_t kShards = 16;
// At full speed a loop fills a megabyte in 50 ms; on a busy machine the
// background thread may wait longer for a processor. Only what is used is
// there.
constexpr size_t kShardBytes = size_t{4} << 20;
// What comes together is handed over together: a wake-up costs more than a
// record.
constexpr absl::Duration kLinger = absl::Milliseconds(20);
constexpr absl::Duration kIdle = absl::Seconds(1);

// Spreads threads over shards; says nothing about connections.
size_t ThreadShard() {
  static std::atomic<size_t> next = 0;
  thread_local const size_t shard =
      next.fetch_add(1, std::memory_order_relaxed) % kShards;
  return shard;
}

// Records, each behind its size, in memory that is taken at the first one.
class RecordBytes {
 public:
  bool empty() const { return size_ == 0; }
  void Clear() { size_ = 0; }

  // False when there is no room, or no memory.
  bool Append(std::string_view record) {
    const auto size = static_cast<uint32_t>(record.size());
    if (size_ + sizeof size + size > kShardBytes) return false;
    if (!bytes_) bytes_.reset(new (std::nothrow) char[kShardBytes]);
    if (!bytes_) return false;
    std::memcpy(bytes_.get() + size_, &size, sizeof size);
    std::memcpy(bytes_.get() + size_ + sizeof size, record.data(), size);
    size_ += sizeof size + size;
    return true;
  }

  template <class Visit>
  void ForEach(Visit visit) const {
    for (size_t at = 0; at < size_;) {
      uint32_t size = 0;
      std::memcpy(&size, bytes_.get() + at, sizeof size);
      visit(std::string_view(bytes_.get() + at + sizeof size, size));
      at += sizeof size + size;
    }
  }

 private:
  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
};

struct alignas(64) Shard {
  absl::Mutex mutex;
  RecordBytes bytes ABSL_GUARDED_BY(mutex);
};

// Descriptions of policies whose decisions may still come.
class Descriptions {
 public:
  PolicyPointer Add(const std::shared_ptr<const rules::Policy>& policy) {
    auto description =
        std::make_shared<const PolicyDescription>(Describe(*policy));
    const absl::MutexLock lock(&mutex_);
    known_[PolicyNumber(*policy)] = {description, policy,
                                     /*seen_expired=*/false};
    return description;
  }
  PolicyPointer Find(uint64_t policy) const {
    const absl::MutexLock lock(&mutex_);
    const auto found = known_.find(policy);
    return found == known_.end() ? nullptr : found->second.description;
  }
  // Those whose policy was gone when this was called before: by now every
  // decision of theirs has been handed over.
  void ForgetExpired() {
    const absl::MutexLock lock(&mutex_);
    absl::erase_if(known_,
                   [](const auto& entry) { return entry.second.seen_expired; });
    for (auto& [number, known] : known_) {
      known.seen_expired = known.policy.expired();
    }
  }

 private:
  struct Known {
    PolicyPointer description;
    std::weak_ptr<const rules::Policy> policy;
    bool seen_expired = false;
  };
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<uint64_t, Known> known_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

struct Recorder::Impl {
  Impl(Statistics& counters, TellMissingMacro tell,
       std::vector<DecisionSink*> all)
      : statistics(counters),
        tell_missing_macro(std::move(tell)),
        sinks(std::move(all)) {}

  Statistics& statistics;
  TellMissingMacro tell_missing_macro;
  std::vector<DecisionSink*> sinks;
  std::array<Shard, kShards> shards;
  Descriptions descriptions;
  // The thread waits: who queues a record wakes it.
  std::atomic<bool> waiting = false;
  absl::Mutex mutex;
  bool woken ABSL_GUARDED_BY(mutex) = false;
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  uint64_t rounds ABSL_GUARDED_BY(mutex) = 0;  // of the thread, that ended
  // The rounds before this one do not wait for a record.
  uint64_t flush_until ABSL_GUARDED_BY(mutex) = 0;
  // Of the thread.
  RecordBytes taken;
  DecisionRecord record;
  PolicyPointer description;  // of policy
  uint64_t policy = 0;
  std::thread thread;

  void Queue(std::string_view bytes);
  void Wake();
  void Run();
  bool Queued();
  void Wait();
  bool Stopping();
  void HandOver();
  void HandOver(std::string_view bytes);
  // `call`s one sink.
  template <class Call>
  void Guard(Call call) noexcept;
};

// The flag is read after the record is queued, and set before the queue is
// looked at once more: one of both sees the other (sequential consistency).
void Recorder::Impl::Queue(std::string_view bytes) {
  Shard& shard = shards[ThreadShard()];
  bool queued = false;
  {
    const absl::MutexLock lock(&shard.mutex);
    queued = shard.bytes.Append(bytes);
  }
  if (!queued) statistics.Count(Counter::kRecordsDropped);
  if (waiting.load() && waiting.exchange(false)) Wake();
}

void Recorder::Impl::Wake() {
  const absl::MutexLock lock(&mutex);
  woken = true;
}

bool Recorder::Impl::Queued() {
  for (Shard& shard : shards) {
    const absl::MutexLock lock(&shard.mutex);
    if (!shard.bytes.empty()) return true;
  }
  return false;
}

bool Recorder::Impl::Stopping() {
  const absl::MutexLock lock(&mutex);
  return stopping;
}

void Recorder::Impl::Wait() {
  waiting = true;
  if (!Queued()) {
    const absl::MutexLock lock(&mutex);
    const auto awaited = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
      return woken || stopping || rounds < flush_until;
    };
    mutex.AwaitWithTimeout(absl::Condition(&awaited), kIdle);
    woken = false;
  }
  waiting = false;
  const absl::MutexLock lock(&mutex);
  mutex.AwaitWithTimeout(absl::Condition(&stopping), kLinger);
}

void Recorder::Impl::Run() {
  NameThread("recorder");
  while (!Stopping()) {
    Wait();
    HandOver();
    const absl::MutexLock lock(&mutex);
    ++rounds;
  }
  HandOver();
}

void Recorder::Impl::HandOver() {
  for (Shard& shard : shards) {
    {
      const absl::MutexLock lock(&shard.mutex);
      if (shard.bytes.empty()) continue;
      std::swap(shard.bytes, taken);
    }
    taken.ForEach([this](std::string_view bytes) { HandOver(bytes); });
    taken.Clear();
  }
  for (DecisionSink* sink : sinks) {
    Guard([sink] { sink->EndBatch(); });
  }
}

// No memory for one of those who look on is no reason to end the filter.
template <class Call>
void Recorder::Impl::Guard(Call call) noexcept {
  try {
    call();
  } catch (const std::exception&) {
    statistics.Count(Counter::kFailures);
  }
}

void Recorder::Impl::HandOver(std::string_view bytes) {
  bool good = false;
  Guard([&] {
    good = record.Parse(bytes);
    assert(good);
    if (!good) statistics.Count(Counter::kFailures);
  });
  if (!good) return;
  if (!description || policy != record.policy) {
    policy = record.policy;
    description = descriptions.Find(policy);
  }
  for (DecisionSink* sink : sinks) {
    Guard([&] { sink->Take(record, description, bytes); });
  }
}

Recorder::Recorder(Statistics& statistics, TellMissingMacro tell_missing_macro,
                   std::vector<DecisionSink*> sinks)
    : impl_(std::make_unique<Impl>(statistics, std::move(tell_missing_macro),
                                   std::move(sinks))) {
  impl_->thread = std::thread([this] { impl_->Run(); });
}

Recorder::~Recorder() {
  {
    const absl::MutexLock lock(&impl_->mutex);
    impl_->stopping = true;
  }
  impl_->thread.join();
}

bool Recorder::Flush(absl::Duration patience) {
  const absl::MutexLock lock(&impl_->mutex);
  // The round under way may have passed the record by.
  const uint64_t until = impl_->rounds + 2;
  impl_->flush_until = std::max(impl_->flush_until, until);
  const auto done = [this, until]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(
                        impl_->mutex) { return impl_->rounds >= until; };
  return impl_->mutex.AwaitWithTimeout(absl::Condition(&done), patience);
}

void Recorder::Decided(const Decision& decision) noexcept {
  std::array<char, kMaxRecordBytes> memory;
  impl_->Queue(WriteDecision(decision, memory));
}

void Recorder::MacroMissing(const MissingMacro& missing) noexcept {
  impl_->tell_missing_macro(missing);
}

void Recorder::Installed(const std::shared_ptr<const rules::Policy>& policy) {
  impl_->descriptions.ForgetExpired();
  const auto description = impl_->descriptions.Add(policy);
  for (DecisionSink* sink : impl_->sinks) sink->Installed(description);
}

}  // namespace gate::policy
