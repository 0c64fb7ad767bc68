// One generated policy and some sessions, matched both ways.
#pragma once

#include <string>

#include "tests/rules/choices.h"

namespace gate::rules {

// Empty when the compiled policy and the naive evaluator agree on every
// condition of every session; else what differs, with the policy.
std::string CompareMatching(Choices& choices);

}  // namespace gate::rules
