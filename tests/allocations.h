// How often this thread asked for memory: for tests of paths that must not
// allocate after warm-up. Linking allocations.cc replaces operator new; not
// under ThreadSanitizer, where nothing is counted.
#pragma once

#include <cstddef>

namespace gate {

// Calls of operator new on this thread so far.
size_t ThreadAllocations();

}  // namespace gate
