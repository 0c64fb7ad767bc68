#include "tests/milter/spoilt_dialogue.h"

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/milter/generated_dialogue.h"

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

}  // namespace

std::string SpoiltDialogue(rules::Choices& choices) {
  std::vector<MtaPacket> packets = GenerateDialogue(choices);
  for (size_t times = choices.Below(4); times > 0; --times) {
    Spoil(packets, choices);
  }
  std::string bytes;
  for (const MtaPacket& packet : packets) bytes += Bytes(packet);
  if (choices.OneIn(8)) bytes[choices.Below(bytes.size())] = AnyByte(choices);
  return bytes;
}

}  // namespace gate::milter
