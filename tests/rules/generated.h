// Random inputs for tests; the seed is printed when one fails, and
// GATE_TEST_SEED replays it.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>

namespace gate::rules {

inline uint32_t TestSeed() {
  const char* given = std::getenv("GATE_TEST_SEED");
  if (given == nullptr) return std::random_device()();
  return static_cast<uint32_t>(std::strtoul(given, nullptr, 10));
}

// Numbers from 0 to `end` - 1.
class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  uint32_t Below(uint32_t end) {
    return static_cast<uint32_t>(engine_()) % end;
  }

 private:
  std::mt19937 engine_;
};

}  // namespace gate::rules
