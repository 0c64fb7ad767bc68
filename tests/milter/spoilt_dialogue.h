// What an MTA might say on one connection that does not keep to the protocol.
#pragma once

#include <string>

#include "tests/rules/choices.h"

namespace gate::milter {

// The bytes of a session of GenerateDialogue, valid or spoilt.
std::string SpoiltDialogue(rules::Choices& choices);

}  // namespace gate::milter
