// Sessions of an MTA, spoilt in many ways: whatever comes, what goes back is
// as the protocol says, and memory returns to its level. A second every day;
// 1,000,000 streams (under asan) as
//   ctest --test-dir build/asan -L long -R protocol
// GATE_SEED repeats a failure.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/environment.h"
#include "tests/memory_in_use.h"
#include "tests/milter/dialogue_stream.h"
#include "tests/milter/generated_dialogue.h"
#include "tests/milter/spoilt_dialogue.h"
#include "tests/rules/policy_text.h"

namespace gate::milter {
namespace {

std::string FeedInPieces(DialogueStream& stream, std::string_view bytes,
                         rules::Choices& choices) {
  const size_t largest = choices.OneIn(4) ? 3 : 2000;
  std::string fault;
  while (fault.empty() && !bytes.empty() && !stream.ended()) {
    const std::string_view piece = bytes.substr(0, 1 + choices.Below(largest));
    bytes.remove_prefix(piece.size());
    fault = stream.Feed(piece, /*hold=*/choices.OneIn(3));
  }
  return fault;
}

// Plays streams; a connection is new, or in the memory of the one before.
class Streams {
 public:
  Streams() : world_(rules::CompileText(kDialoguePolicy)) {}

  std::string Play(uint64_t seed) {
    rules::SeededChoices choices(seed);
    if (mta_ == nullptr || choices.OneIn(4)) {
      mta_ = std::make_unique<DialogueMta>(world_);
    } else {
      mta_->Reopen();
    }
    DialogueStream stream(world_, *mta_);
    std::string fault = FeedInPieces(stream, SpoiltDialogue(choices), choices);
    packets += stream.packets();
    return fault;
  }

  size_t packets = 0;

 private:
  DialogueWorld world_;
  std::unique_ptr<DialogueMta> mta_;
};

TEST(RandomStreams, AreAnsweredAsTheProtocolSays) {
  constexpr size_t kSlack = size_t{1} << 20;
  const uint64_t count = FromEnvironment("GATE_STREAMS", 2000);
  const uint64_t first = FromEnvironment("GATE_SEED", 1);
  { Streams().Play(first); }  // what is made once for all
  const size_t before = MemoryInUse();
  auto streams = std::make_unique<Streams>();
  size_t halfway = 0;
  for (uint64_t i = 0; i < count; ++i) {
    ASSERT_EQ(streams->Play(first + i), "") << "GATE_SEED=" << first + i;
    if (i == count / 2) halfway = MemoryInUse();
  }
  EXPECT_GT(streams->packets, count * 5);
  EXPECT_LT(MemoryInUse(), halfway + kSlack);
  streams.reset();
  EXPECT_LT(MemoryInUse(), before + kSlack / 4);
}

}  // namespace
}  // namespace gate::milter
