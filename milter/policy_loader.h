// Load, check and test a policy: what `serve`, `reload`, `check`, `test` do
// alike. A policy that fails its own tests is refused; the tests of one in mode
// shadow say what it would decide without.
#pragma once

#include <memory>
#include <string>

#include "policy/scenario.h"
#include "rules/load.h"

namespace gate::milter {

struct TestedPolicy {
  rules::LoadResult load;
  policy::TestRun tests;
  // Faults, warnings and failed tests as people read them.
  std::string report;
  bool ok = false;
};

TestedPolicy LoadAndTest(rules::FileReader& reader, const std::string& path,
                         const rules::LoadOptions& options);

}  // namespace gate::milter
