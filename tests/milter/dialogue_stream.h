// Any bytes, cut anywhere, into a Dialogue, as the native door does it; and
// whether all that comes back is as the protocol says. For tests and fuzzers.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "tests/milter/dialogue_mta.h"

namespace gate::milter {

// Thread-compatible.
class DialogueStream {
 public:
  // Requires: `mta` has just been opened, of that world.
  DialogueStream(DialogueWorld& world, DialogueMta& mta)
      : world_(world), mta_(mta) {}

  // `hold`: the store answers only after the packet. Returns what is not as
  // the protocol says; empty: nothing.
  std::string Feed(std::string_view bytes, bool hold);
  // Nothing is read any more.
  bool ended() const { return mta_.state() != Dialogue::State::kOpen; }
  // Packets that were answered, or needed no answer.
  size_t packets() const { return packets_; }
  // All that came back.
  const std::string& answers() const { return answers_; }

 private:
  std::string Take(const MtaPacket& packet, bool hold);
  std::string Break();
  std::string Judge(const MtaPacket& packet, const std::string& bytes);

  DialogueWorld& world_;
  DialogueMta& mta_;
  std::string kept_;
  size_t packets_ = 0;
  std::string answers_;
};

}  // namespace gate::milter
