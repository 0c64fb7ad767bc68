// A decision as bytes: a gate.v1.Decision (proto/decision.proto), made on the
// event path without allocating. DecisionRecord reads it.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "policy/event_log.h"

namespace gate::policy {

inline constexpr size_t kMaxRecordBytes = 8192;
// Of one text; longer ones are cut at a character.
inline constexpr size_t kMaxRecordedText = 512;

// The bytes, in `memory`: what does not fit is left out, and the record says
// so. Requires: kMaxRecordBytes.
std::string_view WriteDecision(const EventLog::Decision& decision,
                               std::span<char, kMaxRecordBytes> memory);

}  // namespace gate::policy
