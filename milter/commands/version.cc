#include <cstdio>

#include "milter/commands/commands.h"

namespace gate::milter::commands {

int RunVersion() {
  std::puts("gatemilter " GATE_VERSION);
  return kOk;
}

}  // namespace gate::milter::commands
