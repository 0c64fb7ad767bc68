// What the records of a journal say was decided, for a comparison with what was
// played.
#pragma once

#include <cstdint>
#include <string>

#include "tests/exact/visits.h"

namespace gate::exact {

struct JournalCounts {
  RuleCounts held;
  RuleCounts repeats;
  uint64_t plain = 0;      // events that no rule decided
  uint64_t not_given = 0;  // refusals of local submissions
  uint64_t records = 0;
};

// Of a folder whose records are all of one policy. What cannot be read is a
// failure of the running test.
JournalCounts CountJournal(const std::string& folder);

}  // namespace gate::exact
