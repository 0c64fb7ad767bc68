#include "policy/fallback_store.h"

#include <algorithm>
#include <new>
#include <utility>

namespace gate::policy {

FallbackStore::FallbackStore(Store& shared, MemoryStore& local)
    : shared_(shared), local_(local) {}

void FallbackStore::Submit(Batch& batch, Waiter& waiter) noexcept {
  batch.front = &waiter;
  shared_.Submit(batch, *this);
}

void FallbackStore::Done(Batch& batch) noexcept {
  bool answered = true;
  for (size_t i = 0; i < batch.size(); ++i) {
    Lookup& lookup = batch[i];
    if (lookup.answer.state != AnswerState::kUnavailable) continue;
    answered = false;
    if (lookup.kind != Lookup::Kind::kBanned &&
        lookup.limit->outage == rules::Outage::kLocal) {
      lookup.answer = local_.Ask(lookup, batch.now_us);
      lookup.answer.local = true;
    }
  }
  if (answered && has_late_bans_) DeliverBans(batch);
  std::exchange(batch.front, nullptr)->Done(batch);
}

bool FallbackStore::Post(const Effects& effects) noexcept {
  bool local = false;
  for (size_t i = 0; i < effects.size(); ++i) {
    if (!effects[i].local) continue;
    local = true;
    local_.Apply(effects[i], effects.now_us);
  }
  if (shared_.Post(effects)) return true;
  for (size_t i = 0; i < effects.size(); ++i) {
    const Effect& effect = effects[i];
    if (effect.local) continue;
    if (effect.kind == Effect::Kind::kBan) {
      KeepBan(effect, effects.now_us);
    } else if (effect.kind == Effect::Kind::kForce &&
               effect.limit->outage == rules::Outage::kLocal) {
      local_.Apply(effect, effects.now_us);
    }
  }
  return local;
}

void FallbackStore::KeepBan(const Effect& effect, int64_t now_us) {
  try {
    const absl::MutexLock lock(&mutex_);
    BanName name(effect.name, effect.subject);
    if (late_bans_.size() >= kMaxLateBans && !late_bans_.contains(name)) {
      return;
    }
    int64_t& until_us = late_bans_[std::move(name)];
    until_us = std::max(until_us, now_us + effect.ban_us);
    has_late_bans_ = true;
  } catch (const std::bad_alloc&) {
    // The ban stays in this process's memory of bans.
  }
}

void FallbackStore::DeliverBans(Batch& batch) {
  LateBans bans;
  {
    const absl::MutexLock lock(&mutex_);
    bans.swap(late_bans_);
    has_late_bans_ = false;
  }
  Effects effects;
  effects.now_us = batch.now_us;
  try {
    MarkBanned(batch, bans);
    for (const auto& [name, until_us] : bans) {
      if (until_us <= batch.now_us) continue;
      Effect& effect = effects.Append();
      effect.kind = Effect::Kind::kBan;
      effect.name = name.first;
      effect.subject = name.second;
      effect.ban_us = until_us - batch.now_us;
      if (effects.size() < kBansAtOnce) continue;
      Post(effects);
      effects.Clear();
    }
  } catch (const std::bad_alloc&) {
    // Those that found memory are delivered.
  }
  if (!effects.empty()) Post(effects);
}

void FallbackStore::MarkBanned(Batch& batch, const LateBans& bans) {
  for (size_t i = 0; i < batch.size(); ++i) {
    Lookup& lookup = batch[i];
    if (lookup.kind != Lookup::Kind::kBanned) continue;
    const auto ban = bans.find(BanName(lookup.name, lookup.subject));
    if (ban == bans.end() || ban->second <= batch.now_us) continue;
    lookup.answer = {.state = AnswerState::kOver,
                     .retry_after_us = ban->second - batch.now_us};
  }
}

}  // namespace gate::policy
