#include "policy/store.h"

namespace gate::policy {

Lookup& Batch::Append() {
  if (size_ == lookups_.size()) lookups_.emplace_back();
  Lookup& lookup = lookups_[size_++];
  lookup.kind = Lookup::Kind::kCharge;
  lookup.limit = nullptr;
  lookup.ban_key = {};
  lookup.name.clear();
  lookup.subject.clear();
  lookup.units = 1;
  lookup.answer = {};
  return lookup;
}

Effect& Effects::Append() {
  if (size_ == effects_.size()) effects_.emplace_back();
  Effect& effect = effects_[size_++];
  effect.kind = Effect::Kind::kGiveBack;
  effect.limit = nullptr;
  effect.name.clear();
  effect.subject.clear();
  effect.units = 0;
  effect.ban_us = 0;
  effect.local = false;
  return effect;
}

void AnswerUnavailable(Batch& batch, Waiter& waiter) noexcept {
  for (size_t i = 0; i < batch.size(); ++i) {
    batch[i].answer = {.state = AnswerState::kUnavailable};
  }
  waiter.Done(batch);
}

}  // namespace gate::policy
