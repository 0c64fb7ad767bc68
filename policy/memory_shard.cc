#include "policy/memory_shard.h"

#include <algorithm>
#include <utility>

namespace gate::policy {

MemoryShard::MemoryShard(size_t max_entries)
    : max_entries_(std::max<size_t>(1, max_entries)),
      index_(0, IndexHash{&entries_}, IndexEqual{&entries_}) {}

Answer MemoryShard::Charge(absl::string_view key, const rules::Limit& limit,
                           uint64_t units, int64_t now_us) {
  const absl::MutexLock lock(&mutex_);
  Sweep(now_us);
  Entry* entry = Find(key);
  if (entry == nullptr) {
    // What does not fit an empty bucket, and nothing at all, leave no entry.
    const Answer answer = LimitState().Peek(limit, units, now_us);
    if (units == 0 || answer.state != AnswerState::kFits) return answer;
    entry = &FindOrInsert(key, now_us);
  }
  const Answer answer = entry->state.Charge(limit, units, now_us);
  entry->expires_us = entry->state.EmptyAt(limit, now_us);
  return answer;
}

Answer MemoryShard::Peek(absl::string_view key, const rules::Limit& limit,
                         uint64_t units, int64_t now_us) {
  const absl::MutexLock lock(&mutex_);
  Sweep(now_us);
  const Entry* entry = Find(key);
  return entry == nullptr ? LimitState().Peek(limit, units, now_us)
                          : entry->state.Peek(limit, units, now_us);
}

void MemoryShard::Add(absl::string_view key, const rules::Limit& limit,
                      double units, int64_t now_us) {
  const absl::MutexLock lock(&mutex_);
  Sweep(now_us);
  Entry* entry = units > 0 ? &FindOrInsert(key, now_us) : Find(key);
  if (entry == nullptr) return;
  entry->state.Add(limit, units, now_us);
  entry->expires_us = entry->state.EmptyAt(limit, now_us);
}

Answer MemoryShard::Banned(absl::string_view key, int64_t now_us) {
  const absl::MutexLock lock(&mutex_);
  Sweep(now_us);
  const Entry* entry = Find(key);
  if (entry == nullptr || entry->expires_us <= now_us) {
    return {.state = AnswerState::kFits};
  }
  return {.state = AnswerState::kOver,
          .retry_after_us = entry->expires_us - now_us};
}

void MemoryShard::Ban(absl::string_view key, int64_t until_us, int64_t now_us) {
  const absl::MutexLock lock(&mutex_);
  Sweep(now_us);
  Entry& entry = FindOrInsert(key, now_us);
  entry.expires_us = std::max(entry.expires_us, until_us);
}

size_t MemoryShard::size() const {
  const absl::MutexLock lock(&mutex_);
  return entries_.size();
}

uint64_t MemoryShard::evicted() const {
  const absl::MutexLock lock(&mutex_);
  return evicted_;
}

MemoryShard::Entry* MemoryShard::Find(absl::string_view key) {
  const auto found = index_.find(key);
  return found == index_.end() ? nullptr : &entries_[*found];
}

MemoryShard::Entry& MemoryShard::FindOrInsert(absl::string_view key,
                                              int64_t now_us) {
  if (Entry* entry = Find(key)) return *entry;
  if (entries_.size() >= max_entries_) Evict(now_us);
  entries_.push_back(
      {.key = std::string(key), .state = {}, .expires_us = now_us});
  index_.insert(static_cast<uint32_t>(entries_.size() - 1));
  return entries_.back();
}

void MemoryShard::Erase(size_t i) {
  const size_t last = entries_.size() - 1;
  index_.erase(static_cast<uint32_t>(i));
  if (i != last) {
    index_.erase(static_cast<uint32_t>(last));
    entries_[i] = std::move(entries_[last]);
    index_.insert(static_cast<uint32_t>(i));
  }
  entries_.pop_back();
}

void MemoryShard::Sweep(int64_t now_us) {
  for (size_t n = 0; n < kSweep && !entries_.empty(); ++n) {
    const size_t i = NextIndex();
    if (entries_[i].expires_us <= now_us) Erase(i);
  }
}

void MemoryShard::Evict(int64_t now_us) {
  size_t victim = NextIndex();
  for (size_t n = 1; n < kSample; ++n) {
    const size_t i = NextIndex();
    if (entries_[i].expires_us < entries_[victim].expires_us) victim = i;
  }
  if (entries_[victim].expires_us > now_us) ++evicted_;
  Erase(victim);
}

size_t MemoryShard::NextIndex() {
  if (cursor_ >= entries_.size()) cursor_ = 0;
  return cursor_++;
}

}  // namespace gate::policy
