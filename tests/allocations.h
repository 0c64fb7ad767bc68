// How often this thread asked for memory: for tests of paths that must not
// allocate after warm-up; and memory that is refused. Linking allocations.cc
// replaces operator new; not under ThreadSanitizer, where nothing is counted.
#pragma once

#include <cstddef>

namespace gate {

// Calls of operator new on this thread so far.
size_t ThreadAllocations();

// From now on all threads ask in vain for so many bytes or more at once; 0:
// for none. False: not under ThreadSanitizer.
bool RefuseAllocationsFrom(size_t bytes);

}  // namespace gate
