// Numbers as people write them: 5, sizes (10K 10M 10G 10T, binary; KiB MiB GiB
// TiB say the same), durations (18s 5min 1h 2d 1w), both ways, and shares (1%).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rules/ast.h"

namespace gate::rules {

enum class QuantityFault : uint8_t {
  kNone,
  kNoNumber,  // does not begin with a digit
  kTooLarge,  // more than 2^63 - 1 of the base unit
  kUnknownUnit,
};

// kind is kNumber, kSize (bytes) or kDuration (microseconds).
struct Quantity {
  QuantityFault fault = QuantityFault::kNone;
  ast::Literal::Kind kind = ast::Literal::Kind::kNumber;
  int64_t number = 0;
  std::string_view unit;  // as written, part of the text given
};
Quantity ParseQuantity(std::string_view text);

// `text` without its `%`: 100, 0.5; in parts per million, to four decimals.
// Empty: more than the whole, or no such number.
std::optional<int64_t> ParseShare(std::string_view text);

// Microseconds of one `min`, `hour`, ...
std::optional<int64_t> FindPeriod(std::string_view unit);
// The unit that was meant by an unknown one; empty: none is near.
std::string_view NearestUnit(std::string_view unit);

// In the largest unit that divides it: 64K, 5min. FormatDuration requires
// whole seconds; FormatPeriod writes one unit as a word: hour, 10min.
std::string FormatSize(int64_t bytes);
std::string FormatDuration(int64_t microseconds);
std::string FormatPeriod(int64_t microseconds);

}  // namespace gate::rules
