#include "policy/redis_reader.h"

#include <hiredis/read.h>

#include <algorithm>

namespace gate::policy {

// hiredis wants an object for each part of a reply: the reply itself stands
// for all of them. It comes in as the reader's private data.
struct RedisReader::Callbacks {
  static RedisReply& Of(const redisReadTask* task) {
    return *static_cast<RedisReply*>(task->privdata);
  }

  static void* String(const redisReadTask* task, char* text, size_t size) {
    RedisReply& reply = Of(task);
    if (task->parent != nullptr) {
      reply.kind = RedisReply::Kind::kOther;
      return &reply;
    }
    reply.kind = task->type == REDIS_REPLY_ERROR    ? RedisReply::Kind::kError
                 : task->type == REDIS_REPLY_STATUS ? RedisReply::Kind::kStatus
                                                    : RedisReply::Kind::kOther;
    reply.text.assign(text, std::min(size, RedisReply::kMaxText));
    return &reply;
  }

  static void* Array(const redisReadTask* task, int elements) {
    RedisReply& reply = Of(task);
    const bool flat = task->parent == nullptr && elements >= 0 &&
                      static_cast<size_t>(elements) <= kMaxElements;
    reply.kind = flat ? RedisReply::Kind::kIntegers : RedisReply::Kind::kOther;
    return &reply;
  }

  static void* Integer(const redisReadTask* task, long long number) {
    RedisReply& reply = Of(task);
    if (task->parent == nullptr) reply.kind = RedisReply::Kind::kInteger;
    if (reply.integers.size() < kMaxElements) reply.integers.push_back(number);
    return &reply;
  }

  static void* Nil(const redisReadTask* task) {
    RedisReply& reply = Of(task);
    reply.kind = RedisReply::Kind::kOther;
    return &reply;
  }

  static void Free(void*) {}
};

RedisReader::RedisReader() : reader_(nullptr, redisReaderFree) {
  static redisReplyObjectFunctions functions = {
      Callbacks::String, Callbacks::Array, Callbacks::Integer, Callbacks::Nil,
      Callbacks::Free};
  reader_.reset(redisReaderCreateWithFunctions(&functions));
  reader_->privdata = &reply_;
  // Without a limit on unused memory it is freed and made again all the time.
  reader_->maxbuf = 0;
}

RedisReader::~RedisReader() = default;

void RedisReader::Feed(std::string_view bytes) {
  waiting_bytes_ += bytes.size();
  if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK) {
    broken_ = true;
  }
}

RedisReader::State RedisReader::Next() {
  if (broken_) return State::kBroken;
  // A reply that came in parts goes on where it was.
  if (reader_->ridx < 0) {
    reply_.kind = RedisReply::Kind::kOther;
    reply_.integers.clear();
  }
  void* whole = nullptr;
  if (redisReaderGetReply(reader_.get(), &whole) != REDIS_OK) {
    broken_ = true;
    return State::kBroken;
  }
  if (whole != nullptr) {
    waiting_bytes_ = reader_->len - reader_->pos;
    return State::kReply;
  }
  broken_ = waiting_bytes_ > kMaxReplyBytes;
  return broken_ ? State::kBroken : State::kIncomplete;
}

}  // namespace gate::policy
