// Records on their way to the journal's thread, in memory that is taken once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace gate::policy {

// Records, each behind its size. Thread-compatible.
class JournalQueue {
 public:
  // Takes its memory at once: appending must not ask for any.
  explicit JournalQueue(size_t capacity) : capacity_(capacity) {
    bytes_.reserve(capacity);
  }

  size_t bytes() const { return bytes_.size(); }
  size_t capacity() const { return capacity_; }
  bool Append(std::string_view record) {
    const auto size = static_cast<uint32_t>(record.size());
    if (bytes_.size() + sizeof size + size > capacity_) return false;
    bytes_.append(reinterpret_cast<const char*>(&size), sizeof size);
    bytes_ += record;
    return true;
  }
  void Clear() { bytes_.clear(); }
  template <class Visit>
  void ForEach(Visit visit) const {
    for (size_t at = 0; at < bytes_.size();) {
      uint32_t size = 0;
      std::memcpy(&size, bytes_.data() + at, sizeof size);
      visit(std::string_view(bytes_).substr(at + sizeof size, size));
      at += sizeof size + size;
    }
  }

 private:
  size_t capacity_;
  std::string bytes_;
};

}  // namespace gate::policy
