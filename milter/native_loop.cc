#include "milter/native_loop.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"

namespace gate::milter {
namespace {

constexpr int64_t kTickUs = 1'000'000;
// The first sessions wait so long to find limits shared.
constexpr int64_t kSettleUs = 2'000'000;
// After the drain, for the events that are answered 421.
constexpr int64_t kLastEventsUs = 5'000'000;
// Between two lines about the same trouble.
constexpr int64_t kSayAgainUs = 60'000'000;
// Closed peers whose memory serves the next ones.
constexpr size_t kSpares = 64;
// Beyond its share, before a loop leaves new connections to others, and for how
// long: they may be as busy.
constexpr size_t kSlack = 16;
constexpr int64_t kRestUs = 5'000;

}  // namespace

void LoopContext::TellProgress() const {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(progress_fd, &one, sizeof one);
}

NativeLoop::NativeLoop(LoopContext& context)
    : context_(context),
      store_(context.door.stores.ForLoop(loop_)),
      peer_context_{.loop = loop_,
                    .dialogue = {.engine = context.door.engine,
                                 .store = store_->store(),
                                 .statistics = context.door.statistics,
                                 .lost_features = context.lost_features},
                    .input = input_,
                    .output = {}},
      tick_(loop_, [this] { Tick(); }),
      settle_(loop_, [this] { Listen(); }),
      rest_(loop_, [this] { ResumeListeners(); }),
      drain_timer_(loop_, [this] { EndDrain(); }),
      drain_(loop_, [this] { BeginDrain(); }),
      turn_(loop_, [this] { EndTurn(); }) {
  settle_.Start(kSettleUs);
}

NativeLoop::~NativeLoop() {
  listeners_.clear();
  // What the messages under way give back must reach the store before it goes.
  for (Peers* peers : {&calm_, &hurried_}) {
    std::erase_if(*peers, [](const auto& peer) { return !peer->waiting(); });
  }
  store_->EndTurn();
  store_->Shut();
  ResumeAnswered();
  context_.connections -= connections_;
  hurried_.clear();
  calm_.clear();
}

void NativeLoop::Run() {
  loop_.Run();
  if (!draining_) BeginDrain();
  EndAll();  // where it was stopped
  --context_.running;
  context_.TellProgress();
}

void NativeLoop::Drain() { drain_.Notify(); }

void NativeLoop::Listen() {
  if (std::exchange(listening_, true) || draining_) return;
  settle_.Stop();
  for (const DoorSocket& socket : context_.sockets) {
    const auto kind = policy::LoopSocket::KindOf(socket.fd);
    listeners_.push_back(std::make_unique<policy::LoopListener>(
        loop_, socket.fd,
        [this, &socket, kind](int fd) { Accept(fd, kind, socket.name); },
        [this](int error) { AcceptFailed(error); }));
  }
}

NativePeer& NativeLoop::AddPeer() {
  if (spare_.empty()) {
    // Each may wait for the store: Answered must find room.
    for (std::vector<NativePeer*>* waiting : {&answered_, &resuming_}) {
      if (waiting->capacity() <= connections_) {
        waiting->reserve(2 * (connections_ + 1));
      }
    }
    PeerOwner& self = *this;
    spare_.push_back(std::make_unique<NativePeer>(peer_context_, self));
  }
  hurried_.splice(hurried_.end(), spare_, std::prev(spare_.end()));
  NativePeer& peer = *hurried_.back();
  peer.place = std::prev(hurried_.end());
  peer.hurried = true;
  peer.silent_since_us = loop_.TurnUs();
  return peer;
}

void NativeLoop::Accept(int fd, policy::LoopSocket::Kind kind,
                        std::string_view listener) {
  NativePeer* peer = nullptr;
  try {
    peer = &AddPeer();
    peer->Open(fd, kind, listener);
  } catch (const std::bad_alloc&) {
    close(fd);
    context_.door.statistics.Count(policy::Counter::kFailures);
    if (peer != nullptr) Keep(*peer);
    return;
  }
  ++connections_;
  if (context_.connections++ >= context_.options.max_connections) {
    peer->TurnAway(policy::Counter::kTurnedAway);
  }
  if (Full() || OverShare()) {
    for (const auto& each : listeners_) each->Pause();
    rest_.Start(kRestUs);
  }
  StartTicking();
}

void NativeLoop::AcceptFailed(int error) {
  StartTicking();
  const int64_t now_us = loop_.TurnUs();
  if (told_failure_us_ != 0 && now_us - told_failure_us_ < kSayAgainUs) return;
  told_failure_us_ = now_us;
  context_.door.log.Error(
      absl::StrCat("a connection cannot be accepted: ", std::strerror(error),
                   "; it waits until another one ends, or a second"));
}

bool NativeLoop::OverShare() const {
  return connections_ > context_.connections / context_.loops + kSlack;
}

bool NativeLoop::Full() const {
  const NativeDoorOptions& options = context_.options;
  return context_.connections >=
         size_t{options.max_connections} + options.turned_away_at_once;
}

// Without descriptors each pauses by itself.
bool NativeLoop::paused() const {
  return std::ranges::any_of(
      listeners_, [](const auto& listener) { return listener->paused(); });
}

void NativeLoop::ResumeListeners() {
  if (Full()) return;
  for (const auto& each : listeners_) each->Resume();
}

void NativeLoop::Answered(NativePeer& peer) noexcept {
  answered_.push_back(&peer);
}

void NativeLoop::ResumeAnswered() {
  std::swap(answered_, resuming_);
  for (NativePeer* peer : resuming_) peer->Resume();
  resuming_.clear();
}

void NativeLoop::EndTurn() {
  if (!listening_ && store_->settled()) Listen();
  if (!answered_.empty()) ResumeAnswered();
  store_->EndTurn();
}

void NativeLoop::MoveToBack(NativePeer& peer, Peers& to) {
  Peers& from = peer.hurried ? hurried_ : calm_;
  to.splice(to.end(), from, peer.place);
  peer.hurried = &to == &hurried_;
  peer.silent_since_us = loop_.TurnUs();
}

void NativeLoop::Calm(NativePeer& peer) { MoveToBack(peer, calm_); }

void NativeLoop::Hurry(NativePeer& peer) {
  if (!peer.hurried) MoveToBack(peer, hurried_);
}

void NativeLoop::Keep(NativePeer& peer) {
  Peers& from = peer.hurried ? hurried_ : calm_;
  if (spare_.size() < kSpares) {
    spare_.splice(spare_.end(), from, peer.place);
  } else {
    from.erase(peer.place);
  }
}

void NativeLoop::Gone(NativePeer& peer) {
  Keep(peer);
  --connections_;
  --context_.connections;
  if (draining_ && connections_ == 0) loop_.Stop();
  if (paused() && !OverShare()) ResumeListeners();
}

void NativeLoop::StartTicking() {
  if (!tick_.running()) tick_.Start(kTickUs);
}

void NativeLoop::Tick() {
  TimeOut(hurried_, context_.options.half_packet_us);
  TimeOut(calm_, context_.options.idle_us);
  ResumeListeners();
  spare_.clear();
  if (connections_ > 0 || paused()) StartTicking();
}

// Who times out goes to the back of a list, or goes.
void NativeLoop::TimeOut(Peers& peers, int64_t patience_us) {
  const int64_t now_us = loop_.TurnUs();
  while (!peers.empty() &&
         now_us - peers.front()->silent_since_us > patience_us) {
    peers.front()->TimeOut();
  }
}

void NativeLoop::BeginDrain() {
  if (std::exchange(draining_, true)) return;
  listeners_.clear();
  --context_.accepting;
  context_.TellProgress();
  if (connections_ == 0) return loop_.Stop();
  drain_timer_.Start(context_.options.drain_us);
}

void NativeLoop::EndDrain() {
  if (std::exchange(drained_, true)) return loop_.Stop();
  EndAll();
  drain_timer_.Start(kLastEventsUs);
}

// Who is told goes to the end of hurried_, or goes: some may be met twice.
void NativeLoop::EndAll() {
  for (const Peers* peers : {&calm_, &hurried_}) {
    for (auto next = peers->begin(); next != peers->end();) {
      const std::unique_ptr<NativePeer>& peer = *next++;
      peer->End(policy::Counter::kDrained);
    }
  }
}

}  // namespace gate::milter
