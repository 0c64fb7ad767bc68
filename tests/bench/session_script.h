// The bytes that an MTA sends in one session, made before the load begins.
//
// As Postfix 3.7 does (src/milter/milter8.c): steps that the milter did not
// want are left out; events without a reply are written together with the next
// one that has one; before each event go the macros that the milter asked for,
// or Postfix's own where it asked for none.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/bench/session_mix.h"
#include "tests/milter/wire.h"

namespace gate::bench {

// What is written before a reply is awaited.
struct Turn {
  size_t end = 0;  // in the script's bytes; begins where the last one ended
  char command = 0;
  uint32_t event = 0;  // of the kind: who awaits it knows what it expects
};

struct SessionScript {
  const MixKind* kind = nullptr;
  std::string bytes;
  std::vector<Turn> turns;
  // What ends the session stands behind the last turn: QUIT, and before it
  // ABORT where a message was begun and not ended.
};

// Numbers are drawn from `random`. An error: the milter does not want a step
// at which the kind expects it to refuse. `kind` outlives the script.
absl::StatusOr<SessionScript> MakeScript(
    const MixKind& kind, const milter::NegotiationAnswer& negotiation,
    std::mt19937_64& random);

}  // namespace gate::bench
