// Where generated tests take their decisions from: a seeded generator, or the
// bytes of a fuzzer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>

namespace gate::rules {

class Choices {
 public:
  virtual ~Choices() = default;
  // 0 to n - 1. Requires: n > 0.
  virtual size_t Below(size_t n) = 0;
  bool OneIn(size_t n) { return Below(n) == n - 1; }
  template <class T>
  const T& Of(std::span<const T> pool) {
    return pool[Below(pool.size())];
  }
};

class SeededChoices : public Choices {
 public:
  explicit SeededChoices(uint64_t seed) : random_(seed) {}
  size_t Below(size_t n) override { return random_() % n; }

 private:
  std::mt19937_64 random_;
};

// One byte a choice; 0 when they are used up.
class ByteChoices : public Choices {
 public:
  explicit ByteChoices(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  size_t Below(size_t n) override {
    if (bytes_.empty()) return 0;
    const size_t choice = bytes_[0] % n;
    bytes_ = bytes_.subspan(1);
    return choice;
  }

 private:
  std::span<const uint8_t> bytes_;
};

}  // namespace gate::rules
