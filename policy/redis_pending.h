// What was sent to Redis and is not answered yet, in order: a ring whose
// entries keep their memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "policy/store.h"

namespace gate::policy {

// Thread-compatible.
class RedisPending {
 public:
  enum class Kind : uint8_t {
    kLogin,  // AUTH, SELECT
    kProbe,
    kAsk,
    kPost,  // a write that nobody waits for
  };
  struct Entry {
    Kind kind = Kind::kProbe;
    bool repeated = false;   // sent with the script's text already
    Batch* batch = nullptr;  // kAsk; null once its caller was answered
    Waiter* waiter = nullptr;
    int64_t deadline_us = 0;  // for its answer
    std::string command;      // kPost
  };

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  // Cleared, but for the memory of `command`.
  Entry& Push(Kind kind) {
    if (size_ == ring_.size()) Grow();
    Entry& entry = ring_[(first_ + size_++) % ring_.size()];
    entry.kind = kind;
    entry.repeated = false;
    entry.batch = nullptr;
    entry.waiter = nullptr;
    entry.command.clear();
    return entry;
  }
  // Requires: not empty; i < size().
  Entry& front() { return ring_[first_]; }
  Entry& operator[](size_t i) { return ring_[(first_ + i) % ring_.size()]; }
  void Pop() {
    first_ = (first_ + 1) % ring_.size();
    --size_;
  }
  void Clear() { first_ = size_ = 0; }

 private:
  void Grow() {
    std::vector<Entry> larger(ring_.empty() ? 64 : 2 * ring_.size());
    for (size_t i = 0; i < size_; ++i) larger[i] = std::move((*this)[i]);
    ring_ = std::move(larger);
    first_ = 0;
  }

  std::vector<Entry> ring_;
  size_t first_ = 0;
  size_t size_ = 0;
};

}  // namespace gate::policy
