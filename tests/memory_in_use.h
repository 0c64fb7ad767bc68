// How much memory the program has allocated and not freed, for tests that see
// it return to its level.
#pragma once

#include <malloc.h>

#include <cstddef>

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if __has_feature(address_sanitizer)
#include <sanitizer/allocator_interface.h>
#endif

namespace gate {

inline size_t MemoryInUse() {
#if __has_feature(address_sanitizer)
  return __sanitizer_get_current_allocated_bytes();
#else
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
#endif
}

}  // namespace gate
