// Style S35: compiled matching against the naive evaluator, on generated
// policies and sessions.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/rules/choices.h"
#include "tests/rules/match_comparison.h"

namespace gate::rules {
namespace {

// GATE_POLICIES=100000 for the long run, GATE_SEED to repeat a failure.
uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

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
