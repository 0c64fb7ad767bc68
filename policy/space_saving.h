// The most frequent keys of a stream in bounded memory: the Space-Saving sketch
// (Metwally, Agrawal, El Abbadi: Efficient Computation of Frequent and Top-k
// Elements in Data Streams, ICDT 2005).
//
// It watches `capacity` keys. A key that is not watched takes the place of the
// one with the least count, and its count: what it may have too much is kept as
// its error. After `added` calls of Add, for each key:
//
//   count - error <= true number <= count,  error <= floor <= added / capacity
//
// and a key that is not watched came `floor` times at most. So each key that
// came more than added / capacity times is there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace gate::policy {

struct FrequentKey {
  std::string key;
  uint64_t count = 0;
  uint64_t error = 0;  // so much of `count` may be others'
};

// Thread-compatible.
class SpaceSaving {
 public:
  // Longer keys are cut: memory is bounded.
  static constexpr size_t kMaxKeyBytes = 255;

  // Requires: capacity > 0.
  explicit SpaceSaving(size_t capacity) : capacity_(capacity) {}
  // What was saved of another one, by count downwards; the least are left out
  // if there are more than `capacity`. Its `added` is the sum of the counts.
  SpaceSaving(size_t capacity, std::vector<FrequentKey> saved);

  void Add(std::string_view key);

  uint64_t added() const { return added_; }
  // The most that a key which is not watched can have come.
  uint64_t floor() const;
  // All that is watched, by count downwards. Valid until the next Add.
  const std::vector<FrequentKey>& keys() const { return keys_; }

 private:
  // Instead of the last one, if it is full. Requires: it is not watched yet.
  void Watch(std::string_view key);
  // One more for the key at `position`: moves it to the front of those with
  // its count, so that they stay in order.
  void Increment(size_t position);
  void Swap(size_t a, size_t b);

  size_t capacity_;
  uint64_t added_ = 0;
  std::vector<FrequentKey> keys_;
  absl::flat_hash_map<std::string, size_t> positions_;
};

}  // namespace gate::policy
