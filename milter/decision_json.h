// Decisions as JSON: what `tail --json`, `why --json` and the page are given.
// Values are as they were recorded; bad UTF-8 becomes U+FFFD.
#pragma once

#include <string>

#include "policy/latest_decisions.h"

namespace gate::milter {

// {"next":N,"missed":N,"decisions":[{...}, ...]}, the oldest first.
std::string DecisionsJson(const policy::LatestDecisions::Page& page);

}  // namespace gate::milter
