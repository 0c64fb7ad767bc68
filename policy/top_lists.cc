#include "policy/top_lists.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace gate::policy {
namespace {

constexpr std::array<std::string_view, kTopKinds> kKindNames = {
    "client", "sender", "rcpt", "user", "rule"};
constexpr std::array<std::string_view, kTopPeriods> kPeriodNames = {"hour",
                                                                    "day"};

struct PeriodInfo {
  int64_t slice_us = 0;
  int64_t slices = 0;  // that a period has, apart from that under way
};
constexpr std::array<PeriodInfo, kTopPeriods> kPeriods = {{
    {.slice_us = 600'000'000, .slices = 6},
    {.slice_us = 3'600'000'000, .slices = 24},
}};

// Records are handed over shard by shard, and each has the time when its event
// began: what comes is not in order, and some wait for the store.
constexpr int64_t kLateUs = 60'000'000;

const PeriodInfo& InfoOf(TopPeriod period) {
  return kPeriods[static_cast<size_t>(period)];
}

// Adds up sketches. A key that one of them does not watch may have come as
// often as its floor says.
class Sum {
 public:
  void Add(const SpaceSaving& sketch) {
    for (const FrequentKey& key : sketch.keys()) {
      Part& part = parts_[key.key];
      part.count += key.count;
      part.error += key.error;
      part.floors += sketch.floor();
    }
    added_ += sketch.added();
    floor_ += sketch.floor();
  }

  TopList Take(size_t most) {
    TopList list{.added = added_, .floor = floor_, .keys = {}};
    for (const auto& [key, part] : parts_) {
      const uint64_t unwatched = floor_ - part.floors;
      list.keys.push_back({.key = key,
                           .count = part.count + unwatched,
                           .error = part.error + unwatched});
    }
    std::ranges::sort(
        list.keys, [](const FrequentKey& a, const FrequentKey& b) {
          return a.count != b.count ? a.count > b.count : a.key < b.key;
        });
    if (list.keys.size() > most) {
      list.floor = std::max(list.floor, list.keys[most].count);
      list.keys.resize(most);
    }
    return list;
  }

 private:
  struct Part {
    uint64_t count = 0;
    uint64_t error = 0;
    uint64_t floors = 0;  // of the sketches that watch the key
  };
  absl::flat_hash_map<std::string, Part> parts_;
  uint64_t added_ = 0;
  uint64_t floor_ = 0;
};

}  // namespace

std::string_view TopKindName(TopKind kind) {
  return kKindNames[static_cast<size_t>(kind)];
}

std::optional<TopKind> FindTopKind(std::string_view name) {
  const auto found = std::ranges::find(kKindNames, name);
  if (found == kKindNames.end()) return std::nullopt;
  return static_cast<TopKind>(found - kKindNames.begin());
}

std::string_view TopPeriodName(TopPeriod period) {
  return kPeriodNames[static_cast<size_t>(period)];
}

std::optional<TopPeriod> FindTopPeriod(std::string_view name) {
  const auto found = std::ranges::find(kPeriodNames, name);
  if (found == kPeriodNames.end()) return std::nullopt;
  return static_cast<TopPeriod>(found - kPeriodNames.begin());
}

TopLists::Slice& TopLists::SliceOf(TopPeriod period, int64_t wall_us) {
  Slices& slices = slices_[static_cast<size_t>(period)];
  const int64_t slice_us = InfoOf(period).slice_us;
  const int64_t number = wall_us / slice_us;
  if (!slices.empty() && slices.back().number > number) {
    if (slices.back().number * slice_us - wall_us <= kLateUs) {
      const auto own = std::ranges::find(slices, number, &Slice::number);
      return own == slices.end() ? slices.back() : *own;
    }
    const int64_t back = slices.back().number - number;
    for (Slice& slice : slices) slice.number -= back;
  }
  if (slices.empty() || slices.back().number < number) {
    slices.push_back({.number = number,
                      .sketches = std::vector<SpaceSaving>(
                          kTopKinds, SpaceSaving(capacity_))});
  }
  while (slices.front().number < number - InfoOf(period).slices) {
    slices.pop_front();
  }
  return slices.back();
}

void TopLists::Add(const TopKeys& keys, int64_t wall_us) {
  const absl::MutexLock lock(&mutex_);
  for (size_t period = 0; period < kTopPeriods; ++period) {
    Slice& slice = SliceOf(static_cast<TopPeriod>(period), wall_us);
    for (size_t kind = 0; kind < kTopKinds; ++kind) {
      if (!keys[kind].empty()) slice.sketches[kind].Add(keys[kind]);
    }
  }
}

TopList TopLists::Top(TopKind kind, TopPeriod period, size_t most,
                      int64_t wall_us) const {
  const int64_t oldest =
      wall_us / InfoOf(period).slice_us - InfoOf(period).slices;
  Sum sum;
  {
    const absl::MutexLock lock(&mutex_);
    for (const Slice& slice : slices(period)) {
      if (slice.number < oldest) continue;
      sum.Add(slice.sketches[static_cast<size_t>(kind)]);
    }
  }
  return sum.Take(most);
}

std::vector<SavedTopSlice> TopLists::Save() const {
  std::vector<SavedTopSlice> saved;
  const absl::MutexLock lock(&mutex_);
  for (size_t period = 0; period < kTopPeriods; ++period) {
    for (const Slice& slice : slices_[period]) {
      SavedTopSlice& out = saved.emplace_back();
      out.period = static_cast<TopPeriod>(period);
      out.number = slice.number;
      for (size_t kind = 0; kind < kTopKinds; ++kind) {
        out.keys[kind] = slice.sketches[kind].keys();
      }
    }
  }
  return saved;
}

void TopLists::Restore(std::vector<SavedTopSlice> saved) {
  std::ranges::stable_sort(saved, std::less<>(), &SavedTopSlice::number);
  const absl::MutexLock lock(&mutex_);
  for (SavedTopSlice& in : saved) {
    Slice slice{.number = in.number, .sketches = {}};
    for (std::vector<FrequentKey>& keys : in.keys) {
      slice.sketches.emplace_back(capacity_, std::move(keys));
    }
    slices_[static_cast<size_t>(in.period)].push_back(std::move(slice));
  }
}

}  // namespace gate::policy
