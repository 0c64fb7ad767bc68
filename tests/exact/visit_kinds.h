// The kinds of sessions that visits.h plays, and what each must be counted as.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace gate::exact {

// A rule that holds once in such a session, or whose kept verdict is given.
struct KindTally {
  std::string_view stage;
  std::string_view rule;
  std::string_view action;
  uint64_t held = 1;
  uint64_t repeats = 0;
  bool shadow = false;
  // Of the top lists: what is known at the stage.
  bool refuses = false;
};

struct VisitKind {
  unsigned weight = 1;
  // Of a mix (tests/bench), without `kind`; %CLIENT%, %SENDER%, %RCPT%, %USER%
  // stand for what is drawn, %BLOCKED% for a client that is blocked.
  std::string_view events;
  std::vector<KindTally> tallies;
  uint64_t plain = 0;  // events that no rule decides
  uint64_t over = 0;   // of the limit `pieces`
  uint64_t not_given = 0;
};

std::span<const VisitKind> VisitKinds();

}  // namespace gate::exact
