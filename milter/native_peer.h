// One MTA at the native door: its socket, what came of a packet that is not
// whole yet, and the dialogue.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "milter/dialogue.h"
#include "policy/loop_socket.h"

namespace gate::milter {

class NativePeer;

// The loop that a peer lives on.
class PeerOwner {
 public:
  virtual ~PeerOwner() = default;
  // The store has answered: call Resume at the end of the turn.
  virtual void Answered(NativePeer& peer) noexcept = 0;
  // Something came, and all of it was answered: the MTA may be silent as long
  // as it is idle.
  virtual void Calm(NativePeer& peer) = 0;
  // Half a packet, or a connection that the MTA has to close now: it must not
  // be silent for long.
  virtual void Hurry(NativePeer& peer) = 0;
  // It is closed, and can be destroyed or opened anew.
  virtual void Gone(NativePeer& peer) = 0;
};

// What the peers of one loop share.
struct PeerContext {
  policy::Loop& loop;
  DialogueContext dialogue;
  std::span<char> input;  // of LoopSocket
  std::string output;     // of one wake-up
};

// Confined to its loop.
class NativePeer : private policy::LoopSocket::Handler, private DialogueOwner {
 public:
  NativePeer(PeerContext& context, PeerOwner& owner);
  // Closes. Requires: not waiting for the store.
  ~NativePeer() override;
  // Takes the descriptor; also anew after Gone: memory is kept.
  void Open(int fd, policy::LoopSocket::Kind kind, std::string_view listener);

  // Requires: Answered was called.
  void Resume();
  void TurnAway(policy::Counter why) { dialogue_.TurnAway(why); }
  // Says 421 now, or to the next event where that cannot be; counted as `why`:
  // kTurnedAway or kDrained.
  void End(policy::Counter why);
  bool waiting() const { return state_ == State::kWaiting; }
  // Silent for too long.
  void TimeOut();

  // The owner's: where it keeps this peer, and since when it is silent.
  std::list<std::unique_ptr<NativePeer>>::iterator place;
  int64_t silent_since_us = 0;
  bool hurried = false;

 private:
  using State = Dialogue::State;

  void Received(std::string_view bytes) override;
  void Sent() override;
  void Ended() override;
  void Answered(Dialogue& dialogue) noexcept override;

  // Memory that is not there costs this connection only.
  template <class Step>
  void Guard(Step step) noexcept;
  void Fail() noexcept;
  void Take(std::string_view bytes);
  // Answers the packets in `bytes`, as long as that may go on; returns the
  // rest.
  std::string_view Work(std::string_view bytes);
  void WorkOnKept();
  void Flush();
  // Says 421 now. Requires: all that was to be said was sent.
  void BreakOff(policy::Counter why);
  // What is to be done after work; may destroy the peer.
  void Settle(bool progress);
  void Leave();

  PeerContext& context_;
  PeerOwner& owner_;
  Dialogue dialogue_;
  State state_ = State::kOpen;
  bool paused_ = false;                       // not reading
  std::string kept_;                          // of the input: not answered yet
  std::optional<policy::LoopSocket> socket_;  // none: it has ended
};

}  // namespace gate::milter
