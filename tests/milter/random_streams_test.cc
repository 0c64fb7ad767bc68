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
#include "tests/rules/policy_text.h"

namespace gate::milter {
namespace {

char AnyByte(rules::Choices& choices) {
  return static_cast<char>(choices.Below(256));
}

void SpoilData(std::string& data, rules::Choices& choices) {
  const size_t at = choices.Below(data.size() + 1);
  switch (choices.Below(6)) {
    case 0:
      return data.resize(at);
    case 1:
      data.insert(at, 1, AnyByte(choices));
      return;
    case 2:
      data.insert(at, 1, '\0');
      return;
    case 3:
      if (at < data.size()) data[at] = AnyByte(choices);
      return;
    case 4:
      if (at < data.size()) data.erase(at, 1 + choices.Below(4));
      return;
    default:
      data.append(choices.OneIn(50) ? 70000 : choices.Below(300),
                  AnyByte(choices));
  }
}

void Spoil(std::vector<MtaPacket>& packets, rules::Choices& choices) {
  static constexpr std::string_view kCommands = "ABCDEHKLMNOQRTUx";
  const size_t at = choices.Below(packets.size());
  switch (choices.Below(6)) {
    case 0:
      packets.erase(packets.begin() + static_cast<ptrdiff_t>(at));
      break;
    case 1:
      packets.push_back(packets[at]);
      break;
    case 2:
      std::swap(packets[at], packets[choices.Below(packets.size())]);
      break;
    case 3:
      packets[at].command = kCommands[choices.Below(kCommands.size())];
      break;
    default:
      SpoilData(packets[at].data, choices);
  }
  if (packets.empty()) packets.push_back({AnyByte(choices)});
}

// The bytes of a session, valid or spoilt.
std::string Stream(rules::Choices& choices) {
  std::vector<MtaPacket> packets = GenerateDialogue(choices);
  for (size_t times = choices.Below(4); times > 0; --times) {
    Spoil(packets, choices);
  }
  std::string bytes;
  for (const MtaPacket& packet : packets) bytes += Bytes(packet);
  if (choices.OneIn(8)) bytes[choices.Below(bytes.size())] = AnyByte(choices);
  return bytes;
}

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
    std::string fault = FeedInPieces(stream, Stream(choices), choices);
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
