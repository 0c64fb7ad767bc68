#include "milter/stats_layout.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <span>

#include "absl/strings/str_format.h"

namespace gate::milter {
namespace {

constexpr size_t kBarWidth = 30;
// More do not fit on a screen; `--json` has all.
constexpr size_t kMostRows = 40;

void AddRow(const BarRow& row, size_t width, uint64_t longest, uint64_t all,
            std::string& out) {
  const double share = all == 0 ? 0
                                : 100 * static_cast<double>(row.count) /
                                      static_cast<double>(all);
  absl::StrAppendFormat(&out, "  %-*s %10d %5.1f %%", static_cast<int>(width),
                        row.name, row.count, share);
  const size_t bar = (row.count * kBarWidth + longest - 1) / longest;
  if (bar > 0) out.append("  ").append(bar, '#');
  out += row.remark;
  out += '\n';
}

}  // namespace

std::string DurationText(uint64_t seconds) {
  if (seconds >= 86'400) {
    return absl::StrFormat("%d d %d h", seconds / 86'400,
                           seconds % 86'400 / 3600);
  }
  if (seconds >= 3600) {
    return absl::StrFormat("%d h %d min", seconds / 3600, seconds % 3600 / 60);
  }
  if (seconds >= 60) {
    return absl::StrFormat("%d min %d s", seconds / 60, seconds % 60);
  }
  return absl::StrFormat("%d s", seconds);
}

std::string MicrosecondsText(uint64_t us) {
  if (us >= 1'000'000) return absl::StrFormat("%d s", us / 1'000'000);
  if (us >= 1000) return absl::StrFormat("%d ms", us / 1000);
  return absl::StrFormat("%d us", us);
}

std::string NumberText(uint64_t number, std::string_view noun) {
  return absl::StrFormat("%d %s%s", number, noun, number == 1 ? "" : "s");
}

std::string BytesText(uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB",
                                                 "TiB"};
  if (bytes < 1024) return absl::StrFormat("%d B", bytes);
  auto amount = static_cast<double>(bytes);
  size_t unit = 0;
  while (amount >= 1024 && unit + 1 < kUnits.size()) {
    amount /= 1024;
    ++unit;
  }
  return absl::StrFormat("%.1f %s", amount, kUnits[unit]);
}

void AddBars(const std::vector<BarRow>& rows, uint64_t all, std::string& out) {
  const std::span<const BarRow> shown =
      std::span(rows).first(std::min(rows.size(), kMostRows));
  size_t width = 0;
  uint64_t longest = 1;
  for (const BarRow& row : shown) {
    width = std::max(width, row.name.size());
    longest = std::max(longest, row.count);
  }
  for (const BarRow& row : shown) AddRow(row, width, longest, all, out);
  if (shown.size() == rows.size()) return;
  const uint64_t rest = std::accumulate(
      rows.begin() + kMostRows, rows.end(), uint64_t{0},
      [](uint64_t sum, const BarRow& row) { return sum + row.count; });
  absl::StrAppendFormat(&out, "  and %d more with %d; --json has all\n",
                        rows.size() - shown.size(), rest);
}

}  // namespace gate::milter
