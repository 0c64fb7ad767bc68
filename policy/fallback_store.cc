#include "policy/fallback_store.h"

#include <algorithm>
#include <new>
#include <utility>

namespace gate::policy {

void LateBans::Keep(const Effect& effect, int64_t now_us) {
  try {
    const absl::MutexLock lock(&mutex_);
    Name name(effect.name, effect.subject);
    if (bans_.size() >= kMost && !bans_.contains(name)) return;
    int64_t& until_us = bans_[std::move(name)];
    until_us = std::max(until_us, now_us + effect.ban_us);
    any_ = true;
  } catch (const std::bad_alloc&) {
    // The ban stays in this process's memory of bans.
  }
}

LateBans::Map LateBans::Take() {
  const absl::MutexLock lock(&mutex_);
  any_ = false;
  return std::exchange(bans_, {});
}

FallbackStore::FallbackStore(Store& shared, MemoryStore& local,
                             LateBans& late_bans)
    : shared_(shared), local_(local), late_bans_(late_bans) {}

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
  if (answered && late_bans_.any()) DeliverBans(batch);
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
      late_bans_.Keep(effect, effects.now_us);
    } else if (effect.kind == Effect::Kind::kForce &&
               effect.limit->outage == rules::Outage::kLocal) {
      local_.Apply(effect, effects.now_us);
    }
  }
  return local;
}

void FallbackStore::DeliverBans(Batch& batch) {
  const LateBans::Map bans = late_bans_.Take();
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

void FallbackStore::MarkBanned(Batch& batch, const LateBans::Map& bans) {
  for (size_t i = 0; i < batch.size(); ++i) {
    Lookup& lookup = batch[i];
    if (lookup.kind != Lookup::Kind::kBanned) continue;
    const auto ban = bans.find(LateBans::Name(lookup.name, lookup.subject));
    if (ban == bans.end() || ban->second <= batch.now_us) continue;
    lookup.answer = {.state = AnswerState::kOver,
                     .retry_after_us = ban->second - batch.now_us};
  }
}

}  // namespace gate::policy
