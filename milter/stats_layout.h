// How `stats` writes times, sizes and tables for a person.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gate::milter {

// "3 d 4 h", "5 min 6 s", "7 s": two units are enough.
std::string DurationText(uint64_t seconds);
// "900 us", "75 ms", "2 s"
std::string MicrosecondsText(uint64_t us);
// "1 key", "2 keys"
std::string NumberText(uint64_t number, std::string_view noun);
// "1.5 MiB"
std::string BytesText(uint64_t bytes);

struct BarRow {
  std::string name;
  uint64_t count = 0;
  std::string remark = {};
};

// Rows with shares of `all` and bars; of too many the first ones, and what
// the others come to.
void AddBars(const std::vector<BarRow>& rows, uint64_t all, std::string& out);

}  // namespace gate::milter
