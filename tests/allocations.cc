#include "tests/allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
thread_local size_t allocations = 0;
std::atomic<size_t> refused_from = 0;  // 0: nothing is refused
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

bool gate::RefuseAllocationsFrom(size_t bytes) {
  refused_from = bytes;
#ifdef GATE_KEEP_OPERATOR_NEW
  return false;
#else
  return true;
#endif
}

#ifndef GATE_KEEP_OPERATOR_NEW

namespace {
void* Allocate(size_t size) {
  ++allocations;
  const size_t from = refused_from.load(std::memory_order_relaxed);
  if (from != 0 && size >= from) return nullptr;
  return std::malloc(size == 0 ? 1 : size);
}
}  // namespace

void* operator new(size_t size) {
  void* memory = Allocate(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

// The sanitizers' own would not fit the deletes below (std::stable_sort asks
// this way).
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return Allocate(size);
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
