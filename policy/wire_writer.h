// Writes the wire format of Protobuf into a fixed piece of memory: the way of
// an event must not allocate, which the generated classes do.
// Source: https://protobuf.dev/programming-guides/encoding/
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace gate::policy {

// What does not fit is left out, as a whole field, and full() says so.
// Confined to one thread.
class WireWriter {
 public:
  explicit WireWriter(std::span<char> memory)
      : begin_(memory.data()), at_(begin_), end_(begin_ + memory.size()) {}

  std::string_view written() const {
    return {begin_, static_cast<size_t>(at_ - begin_)};
  }
  bool full() const { return full_; }

  // uint32, uint64, enum. 0 is what a field that is not there means.
  void Number(uint32_t field, uint64_t value) {
    if (value == 0 || !Fits(2 * kMaxVarint)) return;
    Varint(field << 3);
    Varint(value);
  }
  // One of a repeated uint32, not packed; also 0.
  void Element(uint32_t field, uint64_t value) {
    if (!Fits(2 * kMaxVarint)) return;
    Varint(field << 3);
    Varint(value);
  }
  // sint64, also 0.
  void Signed(uint32_t field, int64_t value) {
    if (!Fits(2 * kMaxVarint)) return;
    Varint(field << 3);
    Varint((static_cast<uint64_t>(value) << 1) ^
           static_cast<uint64_t>(value >> 63));
  }
  void Fixed64(uint32_t field, uint64_t value) {
    if (!Fits(kMaxVarint + sizeof value)) return;
    Varint(field << 3 | 1);
    for (size_t i = 0; i < sizeof value; ++i) Byte(value >> (8 * i));
  }
  // bytes, string; also when empty.
  void Bytes(uint32_t field, std::string_view bytes) {
    if (!Fits(2 * kMaxVarint + bytes.size())) return;
    Varint(field << 3 | 2);
    Varint(bytes.size());
    std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }
  // What `fill` writes, as one message.
  template <class Fill>
  void Message(uint32_t field, Fill fill) {
    char* const start = at_;
    if (!Fits(kMaxVarint + kSizeBytes)) return;
    Varint(field << 3 | 2);
    char* const size_at = at_;
    at_ += kSizeBytes;
    const bool was_full = full_;
    full_ = false;
    fill();
    if (full_) {
      at_ = start;
    } else {
      PutSize(size_at);
    }
    full_ = full_ || was_full;
  }

 private:
  static constexpr size_t kMaxVarint = 10;
  static constexpr size_t kSizeBytes = 3;  // up to 2 MiB

  bool Fits(size_t bytes) {
    if (static_cast<size_t>(end_ - at_) < bytes) full_ = true;
    return !full_;
  }
  void Byte(uint64_t value) { *at_++ = static_cast<char>(value); }
  void Varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) Byte(value | 0x80);
    Byte(value);
  }
  // Most messages are short: their size takes one byte, and they move up.
  void PutSize(char* size_at) {
    const char* const content = size_at + kSizeBytes;
    const auto size = static_cast<size_t>(at_ - content);
    at_ = size_at;
    Varint(size);
    std::memmove(at_, content, size);
    at_ += size;
  }

  char* const begin_;
  char* at_;
  char* const end_;
  bool full_ = false;
};

}  // namespace gate::policy
