#include "policy/lookups.h"

#include <algorithm>
#include <cassert>
#include <limits>

#include "policy/key_subject.h"
#include "rules/ip_address.h"

namespace gate::policy {
namespace {

using rules::BanKey;
using rules::BanKeyId;
using rules::FactId;
using rules::FactType;
using rules::KeyPart;
using rules::Limit;
using rules::LimitId;
using rules::Outage;
using rules::Policy;
using rules::Truth;
using rules::Unit;

constexpr int64_t kForever = std::numeric_limits<int64_t>::max();

const Limit& LimitOf(const Policy& policy, LimitId id) {
  return policy.limits()[id.value];
}

const BanKey& BanKeyOf(const Policy& policy, BanKeyId id) {
  return policy.ban_keys()[id.value];
}

bool BoundToMessage(Unit unit) {
  return unit == Unit::kMessages || unit == Unit::kBytes ||
         unit == Unit::kRecipients;
}

uint64_t UnitsOf(Unit unit, const rules::FactSet& facts) {
  if (unit != Unit::kBytes) return 1;
  if (!facts.present(FactId::kSenderSize)) return 0;
  return static_cast<uint64_t>(
      std::max<int64_t>(0, facts.number(FactId::kSenderSize)));
}

// Adds nothing for no units.
void AppendEffect(Effect::Kind kind, const Limit& limit,
                  const std::string& subject, uint64_t units, bool local,
                  Effects& effects) {
  if (units == 0) return;
  Effect& effect = effects.Append();
  effect.kind = kind;
  effect.limit = &limit;
  effect.name.assign(limit.name);
  effect.subject.assign(subject);
  effect.units = units;
  effect.local = local;
}

}  // namespace

void Lookups::Reset(const Policy& policy) {
  batch_.Clear();
  over_.assign(policy.limits().size(), Truth::kFalse);
  banned_.assign(policy.ban_keys().size(), Truth::kFalse);
  limits_.assign(policy.limits().size(), Memory{});
  open_count_ = 0;
}

void Lookups::ForgetMessage(const Policy& policy) {
  for (const Limit& limit : policy.limits()) {
    if (BoundToMessage(limit.unit)) limits_[limit.id.value] = {};
  }
  open_count_ = 0;
}

bool Lookups::Counts(const Source& source, const Limit& limit) {
  return HasKey(limit.keys, source.facts) &&
         source.policy.Applies(
             limit.id,
             {.facts = source.facts, .lists = source.lists, .store = {}},
             source.match);
}

bool Lookups::Protected(const Source& source, const KeyPart& key) {
  const std::optional<rules::ListId> list = source.policy.settings().protect;
  const FactType type = rules::Info(key.fact).type;
  if (!list || (type != FactType::kAddress && type != FactType::kNetwork)) {
    return false;
  }
  // A network of the list may be smaller than client.network's /64.
  const FactId address =
      key.fact == FactId::kClientNetwork ? FactId::kClientIp : key.fact;
  return source.facts.present(address) &&
         source.lists.list(*list).networks.Contains(
             source.facts.address(address));
}

void Lookups::Begin(const Source& source, rules::Stage stage, int64_t now_us) {
  batch_.Clear();
  batch_.now_us = now_us;
  std::ranges::transform(limits_, over_.begin(), &Memory::over);
  std::ranges::fill(banned_, Truth::kFalse);
  const rules::StagePlan& plan = source.policy.plan(stage);
  for (const auto& ids : {std::span(plan.charged), std::span(plan.peeked)}) {
    for (const LimitId id : ids) {
      over_[id.value] = Counts(source, LimitOf(source.policy, id))
                            ? Truth::kNeedsStore
                            : Truth::kFalse;
    }
  }
  for (const BanKeyId id : plan.banned) {
    const KeyPart& key = BanKeyOf(source.policy, id).key;
    if (HasKey({&key, 1}, source.facts) && !Protected(source, key)) {
      banned_[id.value] = Truth::kNeedsStore;
    }
  }
}

void Lookups::Collect(const Source& source, rules::Stage stage,
                      bool rules_ask) {
  const rules::StagePlan& plan = source.policy.plan(stage);
  for (const LimitId id : plan.charged) {
    AppendLimit(source, id, Lookup::Kind::kCharge);
  }
  if (!rules_ask) return;
  for (const LimitId id : plan.peeked) {
    AppendLimit(source, id, Lookup::Kind::kPeek);
  }
  for (const BanKeyId id : plan.banned) AppendBan(source, id);
}

void Lookups::AppendLimit(const Source& source, LimitId id, Lookup::Kind kind) {
  if (over_[id.value] != Truth::kNeedsStore) return;
  const Limit& limit = LimitOf(source.policy, id);
  Lookup& lookup = batch_.Append();
  lookup.kind = kind;
  lookup.limit = &limit;
  lookup.name.assign(limit.name);
  RenderKey(limit.keys, source.facts, lookup.subject);
  lookup.units = UnitsOf(limit.unit, source.facts);
}

void Lookups::AppendBan(const Source& source, BanKeyId id) {
  if (banned_[id.value] != Truth::kNeedsStore) return;
  const BanKey& key = BanKeyOf(source.policy, id);
  Lookup& lookup = batch_.Append();
  lookup.kind = Lookup::Kind::kBanned;
  lookup.ban_key = id;
  lookup.name.assign(key.name);
  RenderKey({&key.key, 1}, source.facts, lookup.subject);
}

void Lookups::TakeAnswers(const Installed& installed, BanMemory& bans,
                          Statistics& statistics) {
  for (size_t i = 0; i < batch_.size(); ++i) {
    const Lookup& lookup = batch_[i];
    assert(lookup.answer.state != AnswerState::kNone);
    if (lookup.kind == Lookup::Kind::kBanned) {
      TakeBan(*installed.policy, lookup, bans, statistics);
    } else {
      TakeLimit(installed.slots, lookup, statistics);
    }
  }
}

void Lookups::TakeLimit(const PolicySlots& slots, const Lookup& lookup,
                        Statistics& statistics) {
  Memory& memory = limits_[lookup.limit->id.value];
  memory.answer = lookup.answer;
  memory.over = Truth::kFalse;
  const AnswerState state = lookup.answer.state;
  if (state == AnswerState::kOver) {
    memory.over = Truth::kTrue;
    statistics.CountOver(slots.limits[lookup.limit->id.value]);
  }
  if (lookup.answer.local) {
    statistics.Count(Counter::kOutageLocal);
  } else if (state == AnswerState::kUnavailable) {
    // Local counting is the store's business: where it could not be done it
    // means the same as accept.
    const bool defer = lookup.limit->outage == Outage::kDefer;
    statistics.Count(defer ? Counter::kOutageDefer : Counter::kOutageAccept);
    if (defer) memory.over = Truth::kNeedsStore;
  }
  over_[lookup.limit->id.value] = memory.over;
  // One more rejection is asked anew each time.
  if (lookup.kind == Lookup::Kind::kPeek) memory.over = Truth::kFalse;
}

void Lookups::TakeBan(const Policy& policy, const Lookup& lookup,
                      BanMemory& bans, Statistics& statistics) {
  const std::string_view name = BanKeyOf(policy, lookup.ban_key).name;
  Truth& truth = banned_[lookup.ban_key.value];
  const int64_t now_us = batch_.now_us;
  switch (lookup.answer.state) {
    case AnswerState::kOver: {
      const int64_t rest = lookup.answer.retry_after_us;
      bans.Remember(name, lookup.subject, rest > 0 ? now_us + rest : kForever);
      truth = Truth::kTrue;
      return;
    }
    case AnswerState::kFits:
      bans.Forget(name, lookup.subject);
      truth = Truth::kFalse;
      return;
    case AnswerState::kNone:
    case AnswerState::kUnavailable:
      break;
  }
  statistics.Count(Counter::kOutageBans);
  truth =
      bans.Knows(name, lookup.subject, now_us) ? Truth::kTrue : Truth::kFalse;
}

void Lookups::GiveBackEvent(Effects& effects) {
  for (size_t i = 0; i < batch_.size(); ++i) {
    const Lookup& lookup = batch_[i];
    if (lookup.kind == Lookup::Kind::kCharge &&
        lookup.answer.state == AnswerState::kFits) {
      AppendEffect(Effect::Kind::kGiveBack, *lookup.limit, lookup.subject,
                   lookup.units, lookup.answer.local, effects);
    }
  }
}

void Lookups::KeepMessageCharges() {
  for (size_t i = 0; i < batch_.size(); ++i) {
    const Lookup& lookup = batch_[i];
    if (lookup.kind != Lookup::Kind::kCharge ||
        lookup.answer.state != AnswerState::kFits) {
      continue;
    }
    if (open_count_ == open_.size()) open_.emplace_back();
    OpenCharge& open = open_[open_count_++];
    open.limit = lookup.limit;
    open.subject.assign(lookup.subject);
    open.units = lookup.units;
    open.local = lookup.answer.local;
  }
}

void Lookups::GiveBackMessage(Effects& effects) {
  for (size_t i = 0; i < open_count_; ++i) {
    AppendEffect(Effect::Kind::kGiveBack, *open_[i].limit, open_[i].subject,
                 open_[i].units, open_[i].local, effects);
  }
  open_count_ = 0;
}

void Lookups::SettleMessage(uint64_t actual_bytes, Effects& effects) {
  for (size_t i = 0; i < open_count_; ++i) {
    const OpenCharge& open = open_[i];
    if (open.limit->unit != Unit::kBytes) continue;
    if (actual_bytes > open.units) {
      AppendEffect(Effect::Kind::kForce, *open.limit, open.subject,
                   actual_bytes - open.units, open.local, effects);
    } else {
      AppendEffect(Effect::Kind::kGiveBack, *open.limit, open.subject,
                   open.units - actual_bytes, open.local, effects);
    }
  }
  open_count_ = 0;
}

void Lookups::ChargeRejections(const Source& source, Effects& effects) {
  for (const Limit& limit : source.policy.limits()) {
    if (limit.unit != Unit::kRejections || !Counts(source, limit)) continue;
    Effect& effect = effects.Append();
    effect.kind = Effect::Kind::kForce;
    effect.limit = &limit;
    effect.name.assign(limit.name);
    RenderKey(limit.keys, source.facts, effect.subject);
    effect.units = 1;
  }
}

void Lookups::Ban(const Source& source, const rules::Rule& rule,
                  BanMemory& bans, Effects& effects) {
  const BanKey& key = BanKeyOf(source.policy, *rule.ban_key);
  if (!HasKey({&key.key, 1}, source.facts) || Protected(source, key.key)) {
    return;
  }
  Effect& effect = effects.Append();
  effect.kind = Effect::Kind::kBan;
  effect.name.assign(key.name);
  RenderKey({&key.key, 1}, source.facts, effect.subject);
  effect.ban_us = rule.ban_us;
  bans.Remember(key.name, effect.subject, batch_.now_us + rule.ban_us);
}

const Answer* Lookups::EarlierAnswer(LimitId id) const {
  for (size_t i = 0; i < batch_.size(); ++i) {
    if (batch_[i].limit != nullptr && batch_[i].limit->id == id) return nullptr;
  }
  const Answer& answer = limits_[id.value].answer;
  return answer.state == AnswerState::kNone ? nullptr : &answer;
}

rules::LimitNumbers Lookups::NumbersOf(const Policy& policy,
                                       std::span<const LimitId> limits) const {
  for (const LimitId id : limits) {
    if (over_[id.value] != Truth::kTrue) continue;
    const Answer& answer = limits_[id.value].answer;
    return {.name = LimitOf(policy, id).name,
            .used = answer.used,
            .allowed = answer.allowed,
            .retry_after_us = answer.retry_after_us};
  }
  return {};
}

}  // namespace gate::policy
