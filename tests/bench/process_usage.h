// What another process has used so far.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace gate::bench {

struct ProcessUsage {
  int64_t cpu_ns = 0;  // user and system, of all threads, also ended ones
  // Of its threads whose names begin with "loop "; those that run.
  int64_t loops_cpu_ns = 0;
  int64_t resident_kb = 0;
  int64_t peak_kb = 0;  // the most that was ever resident
};

// All zero when there is no such process.
ProcessUsage UsageOf(pid_t process);

}  // namespace gate::bench
