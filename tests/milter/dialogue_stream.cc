#include "tests/milter/dialogue_stream.h"

#include <algorithm>

namespace gate::milter {
namespace {

using State = Dialogue::State;

// Of one event, with all its changes.
constexpr size_t kLargestAnswer = 1 << 20;

bool WantsAnswer(char command) {
  return std::string_view("OCHMRTLNBEU").find(command) !=
         std::string_view::npos;
}

bool IsFarewell(const MtaPacket& packet) {
  return packet.command == 'y' && packet.data.starts_with("421 4.3.2 ");
}

// Changes, then one verdict.
bool IsAnswer(const std::vector<MtaPacket>& packets) {
  return !packets.empty() && IsVerdict(packets.back().command) &&
         std::ranges::count_if(packets, [](const MtaPacket& packet) {
           return IsVerdict(packet.command);
         }) == 1;
}

}  // namespace

std::string DialogueStream::Feed(std::string_view bytes, bool hold) {
  kept_ += bytes;
  std::string_view rest = kept_;
  std::string fault;
  while (fault.empty() && !ended()) {
    Packet packet;
    const Split split = TakePacket(rest, packet);
    if (split == Split::kIncomplete) break;
    fault = split == Split::kPacket
                ? Take({packet.command, std::string(packet.data)}, hold)
                : Break();
  }
  kept_.erase(0, kept_.size() - rest.size());
  if (kept_.size() > kPacketHead + 1 + kMaxPacketData) {
    fault = "a packet that is whole was kept";
  }
  return fault;
}

std::string DialogueStream::Take(const MtaPacket& packet, bool hold) {
  ++packets_;
  if (hold) world_.store().Hold();
  std::string bytes = mta_.Say(packet);
  const bool waited = mta_.state() == State::kWaiting;
  if (waited && (!hold || !bytes.empty() || mta_.answered())) {
    return "it waits for nothing, or has answered before";
  }
  world_.store().Release();
  if (waited != mta_.answered()) return "the store's answer went astray";
  if (waited) bytes = mta_.Resume();
  return Judge(packet, bytes);
}

std::string DialogueStream::Break() {
  std::string out;
  mta_.Break(policy::Counter::kTooBigPackets, out);
  return Judge({}, out);
}

std::string DialogueStream::Judge(const MtaPacket& packet,
                                  const std::string& bytes) {
  answers_ += bytes;
  const std::string after = std::string(" after ") + packet.command;
  if (bytes.size() > kLargestAnswer) return "a huge answer" + after;
  const auto answer = ReadAnswer(bytes);
  if (!answer) return "an answer that no MTA can read" + after;
  switch (mta_.state()) {
    case State::kWaiting:
      return "it waits again" + after;
    case State::kQuit:
      return packet.command == 'Q' && answer->empty() ? "" : "no quit" + after;
    case State::kFarewell:
      return IsAnswer(*answer) && IsFarewell(answer->back())
                 ? ""
                 : "no farewell" + after;
    case State::kOpen:
      break;
  }
  if (answer->empty()) {
    const bool silent = packet.command == 'L' || !WantsAnswer(packet.command);
    return silent ? "" : "no answer" + after;
  }
  if (!WantsAnswer(packet.command)) return "an answer too many" + after;
  if (packet.command == 'O') {
    return answer->size() == 1 && answer->front().command == 'O'
               ? ""
               : "no negotiation" + after;
  }
  if (answer->size() > 1 && packet.command != 'E') return "changes" + after;
  return IsAnswer(*answer) ? "" : "no verdict, or two" + after;
}

}  // namespace gate::milter
