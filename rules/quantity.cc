#include "rules/quantity.h"

#include <array>
#include <cassert>
#include <limits>

#include "rules/diagnostic.h"

namespace gate::rules {
namespace {

using Kind = ast::Literal::Kind;

constexpr int64_t kMillisecond = 1'000;
constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;

struct Unit {
  std::string_view name;
  std::string_view period;  // in a rate: 200/hour
  Kind kind;
  int64_t factor;
};

// Largest first within a kind, so that formatting finds it first.
constexpr std::array kUnits = {
    Unit{"T", "", Kind::kSize, int64_t{1} << 40},
    Unit{"G", "", Kind::kSize, int64_t{1} << 30},
    Unit{"M", "", Kind::kSize, int64_t{1} << 20},
    Unit{"K", "", Kind::kSize, int64_t{1} << 10},
    Unit{"w", "week", Kind::kDuration, 7 * kDay},
    Unit{"d", "day", Kind::kDuration, kDay},
    Unit{"h", "hour", Kind::kDuration, kHour},
    Unit{"min", "min", Kind::kDuration, kMinute},
    Unit{"s", "s", Kind::kDuration, kSecond},
    Unit{"ms", "", Kind::kDuration, kMillisecond},
};

struct OtherUnit {
  std::string_view name;
  std::string_view fitting;
};

// Spellings that no distance leads from; `m` would be minutes or megabytes.
constexpr std::array kOtherUnits = {
    OtherUnit{"k", "K"},         OtherUnit{"KB", "K"},
    OtherUnit{"kB", "K"},        OtherUnit{"MB", "M"},
    OtherUnit{"g", "G"},         OtherUnit{"GB", "G"},
    OtherUnit{"TB", "T"},        OtherUnit{"sec", "s"},
    OtherUnit{"second", "s"},    OtherUnit{"seconds", "s"},
    OtherUnit{"m", "min"},       OtherUnit{"minute", "min"},
    OtherUnit{"minutes", "min"}, OtherUnit{"hours", "h"},
    OtherUnit{"days", "d"},      OtherUnit{"weeks", "w"},
};

// KiB says of itself what K means here.
const Unit* FindUnit(std::string_view name) {
  const bool binary = name.size() == 3 && name.ends_with("iB");
  if (binary) name = name.substr(0, 1);
  for (const Unit& unit : kUnits) {
    if (binary && unit.kind != Kind::kSize) continue;
    if (name == unit.name || (name == unit.period && !name.empty())) {
      return &unit;
    }
  }
  return nullptr;
}

// `value` in the largest unit of the kind that divides it.
const Unit* LargestUnit(Kind kind, int64_t value) {
  const Unit* smallest = nullptr;
  for (const Unit& unit : kUnits) {
    if (unit.kind != kind) continue;
    smallest = &unit;
    if (value != 0 && value % unit.factor == 0) break;
  }
  return smallest;
}

}  // namespace

Quantity ParseQuantity(std::string_view text) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  Quantity result;
  size_t digits = 0;
  for (; digits < text.size(); ++digits) {
    const char c = text[digits];
    if (c < '0' || c > '9') break;
    if (result.number > (kMax - (c - '0')) / 10) {
      result.fault = QuantityFault::kTooLarge;
      return result;
    }
    result.number = result.number * 10 + (c - '0');
  }
  result.unit = text.substr(digits);
  if (digits == 0) {
    result.fault = QuantityFault::kNoNumber;
    return result;
  }
  if (result.unit.empty()) return result;
  const Unit* unit = FindUnit(result.unit);
  if (unit == nullptr) {
    result.fault = QuantityFault::kUnknownUnit;
  } else if (result.number > kMax / unit->factor) {
    result.fault = QuantityFault::kTooLarge;
  } else {
    result.kind = unit->kind;
    result.number *= unit->factor;
  }
  return result;
}

std::optional<int64_t> ParseShare(std::string_view text) {
  constexpr int64_t kWhole = 1'000'000;  // 100 %
  constexpr int64_t kPercent = kWhole / 100;
  const size_t point = text.find('.');
  const Quantity whole = ParseQuantity(text.substr(0, point));
  if (whole.fault != QuantityFault::kNone || !whole.unit.empty() ||
      whole.number > 100) {
    return std::nullopt;
  }
  int64_t share = whole.number * kPercent;
  if (point != std::string_view::npos) {
    int64_t place = kPercent;
    for (const char c : text.substr(point + 1)) {
      place /= 10;
      if (c < '0' || c > '9' || place == 0) return std::nullopt;
      share += (c - '0') * place;
    }
    if (place == kPercent) return std::nullopt;
  }
  return share <= kWhole ? std::optional(share) : std::nullopt;
}

std::optional<int64_t> FindPeriod(std::string_view name) {
  const Unit* unit = FindUnit(name);
  if (unit == nullptr || unit->kind != Kind::kDuration) return std::nullopt;
  return unit->factor;
}

std::string_view NearestUnit(std::string_view unit) {
  for (const OtherUnit& other : kOtherUnits) {
    if (unit == other.name) return other.fitting;
  }
  constexpr std::array<std::string_view, 4> kWords = {"min", "hour", "day",
                                                      "week"};
  return unit.size() < 3 ? std::string_view() : NearestName(unit, kWords);
}

std::string FormatSize(int64_t bytes) {
  const Unit* unit = LargestUnit(Kind::kSize, bytes);
  if (bytes % unit->factor != 0) return std::to_string(bytes);
  return std::to_string(bytes / unit->factor) + std::string(unit->name);
}

std::string FormatDuration(int64_t microseconds) {
  if (microseconds == 0) return "0s";
  const Unit* unit = LargestUnit(Kind::kDuration, microseconds);
  assert(microseconds % unit->factor == 0);
  return std::to_string(microseconds / unit->factor) + std::string(unit->name);
}

std::string FormatPeriod(int64_t microseconds) {
  const Unit* unit = LargestUnit(Kind::kDuration, microseconds);
  if (microseconds == unit->factor) return std::string(unit->period);
  return FormatDuration(microseconds);
}

}  // namespace gate::rules
