#include "policy/journal_names.h"

#include <ctime>

#include "absl/strings/str_format.h"

namespace gate::policy {
namespace {

constexpr std::string_view kSegmentPattern = "########T######.######Z.journal";
constexpr std::string_view kPolicyPattern = "policy-xxxxxxxxxxxxxxxx.zst";

// # is a digit, x a hex digit, all else itself.
bool Matches(std::string_view name, std::string_view pattern) {
  if (name.size() != pattern.size()) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool digit = c >= '0' && c <= '9';
    const bool fits = pattern[i] == '#'   ? digit
                      : pattern[i] == 'x' ? digit || (c >= 'a' && c <= 'f')
                                          : c == pattern[i];
    if (!fits) return false;
  }
  return true;
}

}  // namespace

std::string SegmentName(int64_t wall_us) {
  const std::time_t seconds = wall_us / 1'000'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return absl::StrFormat("%04d%02d%02dT%02d%02d%02d.%06dZ.journal",
                         utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                         utc.tm_hour, utc.tm_min, utc.tm_sec,
                         wall_us % 1'000'000);
}

// Also one that SegmentName makes: there is no 99th day.
bool IsSegmentName(std::string_view name) {
  return Matches(name, kSegmentPattern) &&
         SegmentName(SegmentTime(name)) == name;
}

int64_t SegmentTime(std::string_view name) {
  const auto number = [name](size_t at, size_t digits) {
    int value = 0;
    for (const char c : name.substr(at, digits)) value = 10 * value + (c - '0');
    return value;
  };
  std::tm utc{};
  utc.tm_year = number(0, 4) - 1900;
  utc.tm_mon = number(4, 2) - 1;
  utc.tm_mday = number(6, 2);
  utc.tm_hour = number(9, 2);
  utc.tm_min = number(11, 2);
  utc.tm_sec = number(13, 2);
  return int64_t{timegm(&utc)} * 1'000'000 + number(16, 6);
}

std::string PolicyFileName(uint64_t number) {
  return absl::StrFormat("policy-%016x.zst", number);
}

bool IsPolicyFileName(std::string_view name) {
  return Matches(name, kPolicyPattern);
}

}  // namespace gate::policy
