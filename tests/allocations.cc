#include "tests/allocations.h"

#include <cstdlib>
#include <new>

namespace {
thread_local size_t allocations = 0;
}  // namespace

size_t gate::ThreadAllocations() { return allocations; }

// ThreadSanitizer's run-time library defines these itself, and not weakly.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GATE_KEEP_OPERATOR_NEW
#endif
#elif defined(__SANITIZE_THREAD__)
#define GATE_KEEP_OPERATOR_NEW
#endif

#ifndef GATE_KEEP_OPERATOR_NEW

void* operator new(size_t size) {
  ++allocations;
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

// The sanitizers' own would not fit the deletes below (std::stable_sort asks
// this way).
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}

void* operator new(size_t size, std::align_val_t alignment) {
  ++allocations;
  const auto align = static_cast<size_t>(alignment);
  void* memory = std::aligned_alloc(align, (size + align - 1) / align * align);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}

#endif  // GATE_KEEP_OPERATOR_NEW
