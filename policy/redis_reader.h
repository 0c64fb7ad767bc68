// Bytes from Redis to replies, by hiredis's parser. No reply is built in
// memory: what gatemilter can use of one (a flat array of integers, a status,
// an error) is kept in one RedisReply that is used again and again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct redisReader;

namespace gate::policy {

struct RedisReply {
  enum class Kind : uint8_t { kStatus, kError, kInteger, kIntegers, kOther };
  Kind kind = Kind::kOther;
  std::string text;               // kStatus, kError: the first kMaxText bytes
  std::vector<int64_t> integers;  // kInteger: one; kIntegers: all of the array
  static constexpr size_t kMaxText = 256;
};

// Thread-compatible.
class RedisReader {
 public:
  RedisReader();
  ~RedisReader();
  RedisReader(const RedisReader&) = delete;
  RedisReader& operator=(const RedisReader&) = delete;

  enum class State : uint8_t { kReply, kIncomplete, kBroken };
  void Feed(std::string_view bytes);
  // The next reply; it stays until the next call. kBroken: these bytes are no
  // RESP2, or a reply is larger than any of ours; nothing more can be read.
  State Next();
  const RedisReply& reply() const { return reply_; }

 private:
  // No reply to us has more bytes or elements.
  static constexpr size_t kMaxReplyBytes = 65536;
  static constexpr size_t kMaxElements = 4096;

  struct Callbacks;  // hiredis's functions that make objects

  RedisReply reply_;
  std::unique_ptr<redisReader, void (*)(redisReader*)> reader_;
  size_t waiting_bytes_ = 0;  // fed since the last whole reply
  bool broken_ = false;
};

}  // namespace gate::policy
