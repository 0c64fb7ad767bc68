// Bytes that a Redis, or whoever sits in its place, may send: read in pieces,
// taken as answers to a batch.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "policy/redis_reader.h"
#include "policy/redis_script.h"
#include "policy/store.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gate::policy;
  // The first byte says how long the pieces are.
  if (size < 2) return 0;
  const size_t piece = 1 + data[0] % 64;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  RedisReader reader;
  Batch batch;
  batch.Append();
  batch.Append();
  while (!bytes.empty()) {
    const std::string_view next = bytes.substr(0, piece);
    bytes.remove_prefix(next.size());
    reader.Feed(next);
    RedisReader::State state = reader.Next();
    for (; state == RedisReader::State::kReply; state = reader.Next()) {
      if (!TakeAnswers(reader.reply(), batch)) continue;
      for (size_t i = 0; i < batch.size(); ++i) {
        if (batch[i].answer.state == AnswerState::kNone) std::abort();
        if (batch[i].answer.retry_after_us < 0) std::abort();
      }
    }
    if (state == RedisReader::State::kBroken) return 0;
  }
  return 0;
}
