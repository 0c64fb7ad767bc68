// Decisions as JSON: what `tail --json`, `why --json` and the page are given.
// Values are as they were recorded; bad UTF-8 becomes U+FFFD.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "milter/now_says.h"
#include "milter/why.h"
#include "policy/latest_decisions.h"

namespace gate::milter {

// Decisions of one answer to `tail` or the page.
inline constexpr size_t kMostShown = 1000;

// {"next":N,"missed":N,"decisions":[{...}, ...]}, the oldest first.
std::string DecisionsJson(const policy::LatestDecisions::Page& page);

// {"query":...,"records":[{...}],"more":false,"damaged_blocks":0}, the newest
// first, each with its whole story. "ended_after_s":N if the search was ended
// then, before all was searched.
std::string WhyJson(const WhyQuery& query, const WhyFound& found,
                    const NowSays& now_says);
// Why there is no answer, as the member `error`.
std::string WhyErrorJson(const std::string& query, const absl::Status& error);

}  // namespace gate::milter
