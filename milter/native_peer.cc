#include "milter/native_peer.h"

#include <utility>

namespace gate::milter {
namespace {

using policy::Counter;

// Of one write. An MTA that asks on without reading our answers must not fill
// the memory.
constexpr size_t kMaxOutput = size_t{256} * 1024;
// Of input that waits: a whole packet and what came with its end.
constexpr size_t kMaxKept = 2 * kMaxPacketData;

}  // namespace

NativePeer::NativePeer(PeerContext& context, PeerOwner& owner)
    : context_(context),
      owner_(owner),
      dialogue_(context.dialogue, static_cast<DialogueOwner&>(*this)) {}

NativePeer::~NativePeer() { dialogue_.Close(); }

void NativePeer::Open(int fd, policy::LoopSocket::Kind kind,
                      std::string_view listener) {
  state_ = State::kOpen;
  paused_ = false;
  dialogue_.Open(listener);
  socket_.emplace(context_.loop, fd, kind, context_.input,
                  static_cast<policy::LoopSocket::Handler&>(*this));
}

template <class Step>
void NativePeer::Guard(Step step) noexcept {
  try {
    step();
  } catch (...) {
    Fail();
  }
}

// What throws does so before it gives the peer away.
void NativePeer::Fail() noexcept {
  std::string().swap(kept_);
  try {
    if (!waiting() && socket_->sent()) return BreakOff(Counter::kFailures);
  } catch (...) {
    // Then without a 421.
  }
  context_.dialogue.statistics.Count(Counter::kFailures);
  Ended();
}

void NativePeer::Received(std::string_view bytes) {
  Guard([&] { Take(bytes); });
}

void NativePeer::Take(std::string_view bytes) {
  if (state_ == State::kFarewell) return;
  if (kept_.empty() && state_ == State::kOpen) {
    const std::string_view rest = Work(bytes);
    kept_ = rest;
    return Settle(/*progress=*/rest.size() < bytes.size());
  }
  kept_.append(bytes);
  if (state_ == State::kOpen) return WorkOnKept();
  if (kept_.size() > kMaxKept) {
    paused_ = true;
    socket_->Pause();
  }
}

void NativePeer::WorkOnKept() {
  const std::string_view rest = Work(kept_);
  const size_t used = kept_.size() - rest.size();
  if (rest.empty()) {
    std::string().swap(kept_);
  } else {
    kept_.erase(0, used);
  }
  Settle(/*progress=*/used > 0);
}

std::string_view NativePeer::Work(std::string_view bytes) {
  Split split = Split::kPacket;
  while (split == Split::kPacket && state_ == State::kOpen && socket_->sent()) {
    context_.output.clear();
    while (state_ == State::kOpen && context_.output.size() < kMaxOutput) {
      Packet packet;
      split = TakePacket(bytes, packet);
      if (split == Split::kIncomplete) break;
      state_ = split == Split::kPacket
                   ? dialogue_.Take(packet, context_.output)
                   : dialogue_.Break(split == Split::kTooBig
                                         ? Counter::kTooBigPackets
                                         : Counter::kMalformedPackets,
                                     context_.output);
    }
    Flush();
  }
  return bytes;
}

void NativePeer::Flush() {
  if (!context_.output.empty()) socket_->Send(context_.output);
}

void NativePeer::Settle(bool progress) {
  switch (state_) {
    case State::kQuit:
      return Leave();
    case State::kFarewell:
      std::string().swap(kept_);
      break;
    case State::kWaiting:
      return owner_.Calm(*this);
    case State::kOpen:
      break;
  }
  const bool unsent = !socket_->sent();
  if (unsent != paused_) {
    paused_ = unsent;
    unsent ? socket_->Pause() : socket_->Resume();
  }
  if (progress) owner_.Calm(*this);
  if (unsent || !kept_.empty() || state_ == State::kFarewell) {
    owner_.Hurry(*this);
  }
}

void NativePeer::Sent() {
  owner_.Calm(*this);
  Guard([this] {
    if (state_ == State::kOpen) return WorkOnKept();
    Settle(/*progress=*/false);
  });
}

void NativePeer::Ended() {
  socket_.reset();
  // The store still writes into the session.
  if (!waiting()) Leave();
}

void NativePeer::Answered(Dialogue&) noexcept { owner_.Answered(*this); }

void NativePeer::Resume() {
  context_.output.clear();
  state_ = dialogue_.Resume(context_.output);
  if (!socket_) return Leave();
  Guard([this] {
    Flush();
    if (state_ == State::kOpen && !kept_.empty()) return WorkOnKept();
    Settle(/*progress=*/true);
  });
}

void NativePeer::TimeOut() {
  if (waiting()) return owner_.Calm(*this);
  if (state_ == State::kFarewell) return Leave();
  const bool silent = kept_.empty();
  if (socket_->sent() && (dialogue_.negotiated() || !silent)) {
    return Guard([this, silent] {
      BreakOff(silent ? Counter::kIdleEnded : Counter::kHalfPackets);
    });
  }
  // It does not read, or has never said a word: it awaits no 421.
  context_.dialogue.statistics.Count(Counter::kIdleEnded);
  Leave();
}

void NativePeer::End(Counter why) {
  if (state_ == State::kFarewell) return;
  if (waiting() || !socket_->sent() || !dialogue_.negotiated()) {
    return dialogue_.TurnAway(why);
  }
  Guard([&] { BreakOff(why); });
}

void NativePeer::BreakOff(Counter why) {
  context_.output.clear();
  state_ = dialogue_.Break(why, context_.output);
  Flush();
  Settle(/*progress=*/true);
}

void NativePeer::Leave() {
  dialogue_.Close();
  socket_.reset();
  std::string().swap(kept_);
  owner_.Gone(*this);
}

}  // namespace gate::milter
