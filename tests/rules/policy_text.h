// Rule texts to policies, for tests: through all phases, as a file is loaded.
#pragma once

#include <memory>
#include <string>

#include "rules/load.h"
#include "rules/policy.h"

namespace gate::rules {

// The policy of one rule file. A fault is a failure of the running test, and
// ends the program: nothing can be tested then.
std::shared_ptr<const Policy> CompileText(const std::string& text,
                                          const LoadOptions& options = {});

}  // namespace gate::rules
