// The bytes choose a policy and sessions; compiled matching must mean what
// the naive evaluator says.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/rules/choices.h"
#include "tests/rules/match_comparison.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gate::rules::ByteChoices choices({data, size});
  const std::string difference = gate::rules::CompareMatching(choices);
  if (!difference.empty()) {
    std::fprintf(stderr, "%s\n", difference.c_str());
    std::abort();
  }
  return 0;
}
