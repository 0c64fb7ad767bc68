// The four who play the same sessions: `gatemilter ask`, miltertest(8), and
// the two MTAs. Each asks a gatemilter of its own, in which nothing has been
// counted yet.
#pragma once

#include <string>
#include <vector>

#include "tests/mta/generated_session.h"
#include "tests/mta/private_mta.h"
#include "tests/mta/session_player.h"

namespace gate::mta {

struct Played {
  std::string fault;                    // empty: none
  std::vector<Transcript> transcripts;  // of the sessions, in their order
};

Played PlayByAsk(const std::vector<GeneratedSession>& sessions);
Played PlayByMiltertest(const std::vector<GeneratedSession>& sessions);
// Sendmail's visitors come from other addresses (PrivateMta::Here); in the
// transcripts they have their own.
Played PlayByMta(Mta mta, const std::vector<GeneratedSession>& sessions);

}  // namespace gate::mta
