#include "policy/counter_history.h"

#include <algorithm>
#include <numeric>

namespace gate::policy {
namespace {

// The oldest go, zeros come.
template <size_t kSize>
void Shift(std::array<uint32_t, kSize>& counts, size_t by) {
  by = std::min(by, kSize);
  std::shift_left(counts.begin(), counts.end(), static_cast<ptrdiff_t>(by));
  std::fill(counts.end() - static_cast<ptrdiff_t>(by), counts.end(), 0);
}

// Saved by another version: the newest that there is room for.
template <size_t kSize>
void Fill(const std::vector<uint32_t>& saved,
          std::array<uint32_t, kSize>& counts) {
  const size_t size = std::min(saved.size(), kSize);
  std::copy_backward(saved.end() - static_cast<ptrdiff_t>(size), saved.end(),
                     counts.end());
}

template <size_t kSize>
uint64_t SumOf(const std::array<uint32_t, kSize>& counts) {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0});
}

}  // namespace

HistoryStep HistoryStep::Between(int64_t from_minute, int64_t to_minute) {
  return {.minutes = static_cast<size_t>(
              std::max<int64_t>(0, to_minute - from_minute)),
          .tens = static_cast<size_t>(
              std::max<int64_t>(0, to_minute / 10 - from_minute / 10))};
}

CounterHistory::CounterHistory(const Tally& saved)
    : taken_(saved.total), last_minute_(saved.last_us / kMinuteUs) {
  Fill(saved.series.minutes, minutes_);
  Fill(saved.series.tens, tens_);
}

void CounterHistory::Take(uint64_t total, int64_t minute) {
  if (total == taken_) return;
  const auto more = static_cast<uint32_t>(total - taken_);
  minutes_.back() += more;
  tens_.back() += more;
  taken_ = total;
  last_minute_ = minute;
}

void CounterHistory::Pass(const HistoryStep& step) {
  Shift(minutes_, step.minutes);
  Shift(tens_, step.tens);
}

Tally CounterHistory::TallyOf(uint64_t total, int64_t minute) const {
  const uint64_t more = total - taken_;
  const int64_t last = more > 0 ? minute : std::min(last_minute_, minute);
  return {.total = total,
          .last_hour = more + SumOf(minutes_),
          .last_day = more + SumOf(tens_),
          .last_us = last * kMinuteUs};
}

CounterSeries CounterHistory::SeriesOf(uint64_t total) const {
  CounterSeries series;
  const auto more = static_cast<uint32_t>(total - taken_);
  if (more == 0 && SumOf(tens_) == 0) return series;
  series.minutes.assign(minutes_.begin(), minutes_.end());
  series.minutes.back() += more;
  series.tens.assign(tens_.begin(), tens_.end());
  series.tens.back() += more;
  return series;
}

}  // namespace gate::policy
