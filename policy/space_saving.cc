#include "policy/space_saving.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace gate::policy {

SpaceSaving::SpaceSaving(size_t capacity, std::vector<FrequentKey> saved)
    : capacity_(capacity) {
  std::ranges::stable_sort(saved, std::greater<>(), &FrequentKey::count);
  for (FrequentKey& key : saved) {
    if (keys_.size() == capacity_) return;
    if (!positions_.emplace(key.key, keys_.size()).second) continue;
    added_ += key.count;
    keys_.push_back(std::move(key));
  }
}

uint64_t SpaceSaving::floor() const {
  return keys_.size() < capacity_ ? 0 : keys_.back().count;
}

void SpaceSaving::Add(std::string_view key) {
  key = key.substr(0, kMaxKeyBytes);
  const auto found = positions_.find(absl::string_view(key.data(), key.size()));
  if (found != positions_.end()) {
    Increment(found->second);
  } else {
    Watch(key);
    Increment(keys_.size() - 1);
  }
  ++added_;
}

// What may throw comes first: without memory all stays as it is.
void SpaceSaving::Watch(std::string_view key) {
  std::string name(key);
  std::string same(key);
  const bool full = keys_.size() == capacity_;
  if (!full && keys_.size() == keys_.capacity()) {
    keys_.reserve(std::min(capacity_, 2 * keys_.size() + 1));
  }
  positions_.emplace(std::move(same), full ? capacity_ - 1 : keys_.size());
  if (!full) {
    keys_.emplace_back();
  } else {
    positions_.erase(keys_.back().key);
    keys_.back().error = keys_.back().count;
  }
  keys_.back().key = std::move(name);
}

void SpaceSaving::Increment(size_t position) {
  const auto first = std::ranges::lower_bound(
      keys_, keys_[position].count, std::greater<>(), &FrequentKey::count);
  const auto front = static_cast<size_t>(first - keys_.begin());
  Swap(position, front);
  ++keys_[front].count;
}

void SpaceSaving::Swap(size_t a, size_t b) {
  if (a == b) return;
  std::swap(keys_[a], keys_[b]);
  positions_.find(keys_[a].key)->second = a;
  positions_.find(keys_[b].key)->second = b;
}

}  // namespace gate::policy
