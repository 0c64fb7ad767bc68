#include "policy/memory_store.h"

#include <cstring>
#include <new>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "policy/memory_shard.h"

namespace gate::policy {
namespace {

// Kind, name and subject as one text without allocation. Parts that are
// longer than kMaxPart end in a hash of their whole: the key stays bounded.
class StoreKey {
 public:
  StoreKey(char kind, std::string_view name, std::string_view subject) {
    text_[size_++] = kind;
    AppendBounded(name);
    text_[size_++] = '\0';
    AppendBounded(subject);
  }
  absl::string_view text() const { return {text_.data(), size_}; }
  size_t hash() const { return absl::Hash<absl::string_view>()(text()); }

 private:
  static constexpr size_t kMaxPart = 128;

  void AppendBounded(std::string_view part) {
    if (part.size() <= kMaxPart) return Append(part.data(), part.size());
    const uint64_t hash = absl::Hash<absl::string_view>()(
        absl::string_view(part.data(), part.size()));
    Append(part.data(), kMaxPart - sizeof(hash));
    Append(&hash, sizeof(hash));
  }
  void Append(const void* data, size_t size) {
    std::memcpy(text_.data() + size_, data, size);
    size_ += size;
  }

  std::array<char, 2 + 2 * kMaxPart> text_;
  size_t size_ = 0;
};

StoreKey LimitKey(std::string_view name, std::string_view subject) {
  return {'L', name, subject};
}
StoreKey BanKey(std::string_view name, std::string_view subject) {
  return {'B', name, subject};
}

}  // namespace

MemoryStore::MemoryStore(const MemoryStoreOptions& options) {
  for (auto& shard : shards_) {
    shard = std::make_unique<MemoryShard>(options.max_entries / kShards);
  }
}

MemoryStore::~MemoryStore() = default;

void MemoryStore::Submit(Batch& batch, Waiter& waiter) noexcept {
  for (size_t i = 0; i < batch.size(); ++i) {
    batch[i].answer = Ask(batch[i], batch.now_us);
  }
  waiter.Done(batch);
}

bool MemoryStore::Post(const Effects& effects) noexcept {
  for (size_t i = 0; i < effects.size(); ++i) {
    Apply(effects[i], effects.now_us);
  }
  return true;
}

Answer MemoryStore::Ask(const Lookup& lookup, int64_t now_us) noexcept {
  try {
    return TryAsk(lookup, now_us);
  } catch (const std::bad_alloc&) {
    return {.state = AnswerState::kUnavailable};
  }
}

void MemoryStore::Apply(const Effect& effect, int64_t now_us) noexcept {
  try {
    TryApply(effect, now_us);
  } catch (const std::bad_alloc&) {
    // An effect that finds no memory is lost: nobody waits for it.
  }
}

Answer MemoryStore::TryAsk(const Lookup& lookup, int64_t now_us) {
  const bool ban = lookup.kind == Lookup::Kind::kBanned;
  const StoreKey key = ban ? BanKey(lookup.name, lookup.subject)
                           : LimitKey(lookup.name, lookup.subject);
  MemoryShard& shard = *shards_[key.hash() % kShards];
  switch (lookup.kind) {
    case Lookup::Kind::kCharge:
      return shard.Charge(key.text(), *lookup.limit, lookup.units, now_us);
    case Lookup::Kind::kPeek:
      return shard.Peek(key.text(), *lookup.limit, lookup.units, now_us);
    case Lookup::Kind::kBanned:
      return shard.Banned(key.text(), now_us);
  }
  return {.state = AnswerState::kUnavailable};
}

void MemoryStore::TryApply(const Effect& effect, int64_t now_us) {
  const bool ban = effect.kind == Effect::Kind::kBan;
  const StoreKey key = ban ? BanKey(effect.name, effect.subject)
                           : LimitKey(effect.name, effect.subject);
  MemoryShard& shard = *shards_[key.hash() % kShards];
  const double units = static_cast<double>(effect.units);
  switch (effect.kind) {
    case Effect::Kind::kGiveBack:
      return shard.Add(key.text(), *effect.limit, -units, now_us);
    case Effect::Kind::kForce:
      return shard.Add(key.text(), *effect.limit, units, now_us);
    case Effect::Kind::kBan:
      return shard.Ban(key.text(), now_us + effect.ban_us, now_us);
  }
}

size_t MemoryStore::size() const {
  size_t sum = 0;
  for (const auto& shard : shards_) sum += shard->size();
  return sum;
}

uint64_t MemoryStore::evicted() const {
  uint64_t sum = 0;
  for (const auto& shard : shards_) sum += shard->evicted();
  return sum;
}

}  // namespace gate::policy
