// What a counter counted lately: the last hour by minute, the last day by ten
// minutes. Made of its totals, now and then: who counts knows nothing of it.
//
// Take, then Pass, at each boundary of a minute. Counts since the last Take
// belong to the minute under way.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gate::policy {

inline constexpr int64_t kMinuteUs = 60'000'000;

// Oldest first; the last one is under way. Both empty: nothing was counted.
struct CounterSeries {
  std::vector<uint32_t> minutes = {};  // 60
  std::vector<uint32_t> tens = {};     // 144, of ten minutes each
};

// A counter with its past.
struct Tally {
  uint64_t total = 0;
  uint64_t restored = 0;      // of the total: counted before the start
  uint64_t last_hour = 0;     // the sum of 60 minutes
  uint64_t last_day = 0;      // the sum of 144 times ten minutes
  int64_t last_us = 0;        // the minute of the last count; 0: none is known
  CounterSeries series = {};  // may be left out
};

// Minutes of wall time and tens of minutes whose end was passed.
struct HistoryStep {
  size_t minutes = 0;
  size_t tens = 0;
  // Minutes since 1970. A clock that goes back passes nothing: what is there
  // stays as old as it is.
  static HistoryStep Between(int64_t from_minute, int64_t to_minute);
};

// Thread-compatible.
class CounterHistory {
 public:
  static constexpr size_t kMinutes = 60;
  static constexpr size_t kTens = 144;

  CounterHistory() = default;
  // Goes on from what TallyOf and SeriesOf said.
  explicit CounterHistory(const Tally& saved);

  // `minute` is the one under way.
  void Take(uint64_t total, int64_t minute);
  void Pass(const HistoryStep& step);
  // Without the series, and without what was restored.
  Tally TallyOf(uint64_t total, int64_t minute) const;
  CounterSeries SeriesOf(uint64_t total) const;

 private:
  uint64_t taken_ = 0;
  int64_t last_minute_ = 0;  // 0: never
  std::array<uint32_t, kMinutes> minutes_{};
  std::array<uint32_t, kTens> tens_{};
};

}  // namespace gate::policy
