// What an MTA might say on one connection, from choices: the offer, then valid
// sessions with several messages, in the order of the protocol.
#pragma once

#include <vector>

#include "tests/milter/mta_packets.h"
#include "tests/rules/choices.h"

namespace gate::milter {

// Uses every stage, every verdict and every kind of edit that sessions of
// GenerateDialogue can bring about.
extern const char kDialoguePolicy[];

std::vector<MtaPacket> GenerateDialogue(rules::Choices& choices);

}  // namespace gate::milter
