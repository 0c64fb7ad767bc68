// Style S35: compiled matching against the naive evaluator, on generated
// policies and sessions.
#include <gtest/gtest.h>

#include <string>

#include "tests/environment.h"
#include "tests/rules/choices.h"
#include "tests/rules/match_comparison.h"

namespace gate::rules {
namespace {

// GATE_POLICIES=100000 for the long run, GATE_SEED to repeat a failure.
TEST(Differential, CompiledConditionsMeanWhatTheTreeSays) {
  const uint64_t first = FromEnvironment("GATE_SEED", 1);
  const uint64_t policies = FromEnvironment("GATE_POLICIES", 1000);
  for (uint64_t seed = first; seed < first + policies; ++seed) {
    SeededChoices choices(seed);
    const std::string difference = CompareMatching(choices);
    ASSERT_EQ(difference, "") << "GATE_POLICIES=1 GATE_SEED=" << seed;
  }
}

}  // namespace
}  // namespace gate::rules
