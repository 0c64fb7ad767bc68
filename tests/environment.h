// Numbers that a test is given from outside: how long, how many, which seed.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace gate {

inline uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

}  // namespace gate
