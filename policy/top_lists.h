// Who is refused most: clients, senders, recipients, users, rules, over the
// last hour and the last day.
//
// For each kind a sketch (space_saving.h) every ten minutes and one every hour;
// those that lie in a period are added up when they are asked for. "The last
// hour" is the ten minutes under way and the six before them, "the last day"
// the hour under way and the 24 before it. Counts that were added up are not
// too low, and too high by no more than the sum of the floors of their
// sketches: at most (all decisions of the period) / capacity.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "policy/space_saving.h"

namespace gate::policy {

enum class TopKind : uint8_t {
  kClient,  // client.network
  kSender,  // the domain
  kRcpt,    // the domain
  kUser,    // auth.user
  kRule,    // its label
  kCount,
};
inline constexpr size_t kTopKinds = static_cast<size_t>(TopKind::kCount);
std::string_view TopKindName(TopKind kind);  // "client"
std::optional<TopKind> FindTopKind(std::string_view name);

enum class TopPeriod : uint8_t { kHour, kDay, kCount };
inline constexpr size_t kTopPeriods = static_cast<size_t>(TopPeriod::kCount);
std::string_view TopPeriodName(TopPeriod period);  // "hour"
std::optional<TopPeriod> FindTopPeriod(std::string_view name);

// By kind; empty: the decision has none.
using TopKeys = std::array<std::string_view, kTopKinds>;

struct TopList {
  uint64_t added = 0;  // decisions of the period that have such a key
  uint64_t floor = 0;  // a key that is not in the list came so often at most
  std::vector<FrequentKey> keys;  // by count downwards
};

// What the state file keeps.
struct SavedTopSlice {
  TopPeriod period = TopPeriod::kHour;
  int64_t number = 0;  // since 1970, in units of the slice's length
  std::array<std::vector<FrequentKey>, kTopKinds> keys;
};

// Thread-safe.
class TopLists {
 public:
  static constexpr size_t kCapacity = 1000;

  explicit TopLists(size_t capacity = kCapacity) : capacity_(capacity) {}

  // A decision that refuses, discards or quarantines; up to a minute late. A
  // clock that goes back further renames what is there: it stays as old as it
  // is.
  void Add(const TopKeys& keys, int64_t wall_us) ABSL_LOCKS_EXCLUDED(mutex_);
  // The first `most`.
  TopList Top(TopKind kind, TopPeriod period, size_t most,
              int64_t wall_us) const ABSL_LOCKS_EXCLUDED(mutex_);

  std::vector<SavedTopSlice> Save() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Requires: nothing was added.
  void Restore(std::vector<SavedTopSlice> saved) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Slice {
    int64_t number = 0;
    std::vector<SpaceSaving> sketches;  // by kind
  };
  using Slices = std::deque<Slice>;  // by number upwards

  // Made, as the newest one, if need be; drops those too old.
  Slice& SliceOf(TopPeriod period, int64_t wall_us)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  const Slices& slices(TopPeriod period) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return slices_[static_cast<size_t>(period)];
  }

  const size_t capacity_;
  mutable absl::Mutex mutex_;
  std::array<Slices, kTopPeriods> slices_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace gate::policy
