// One event loop of the native door: its listeners, its peers, its store.
// A connection is accepted by one loop and lives there.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "milter/door.h"
#include "milter/native_peer.h"
#include "policy/loop.h"
#include "policy/loop_listener.h"

namespace gate::milter {

// Times in microseconds.
struct NativeDoorOptions {
  uint32_t loops = 0;  // 0: one for each processor that we may use
  uint32_t max_connections = 16384;
  // Beyond them, such as are told so; more wait in the system's queue.
  uint32_t turned_away_at_once = 1024;
  int64_t half_packet_us = 30'000'000;
  int64_t idle_us = 7'210'000'000;  // as libmilter
  int64_t drain_us = 30'000'000;
};

// What the loops of a door share.
struct LoopContext {
  const DoorContext& door;
  LostFeatures& lost_features;
  const NativeDoorOptions& options;
  std::span<const DoorSocket> sockets;
  size_t loops = 1;
  int progress_fd = -1;               // eventfd: told when one of these changes
  std::atomic<size_t> running = 0;    // loops
  std::atomic<size_t> accepting = 0;  // loops
  std::atomic<size_t> connections = 0;

  void TellProgress() const;
};

// Made and destroyed while it does not run. Run on one thread; Drain and Stop
// are thread-safe.
class NativeLoop : private PeerOwner {
 public:
  explicit NativeLoop(LoopContext& context);
  // Ends what is still connected.
  ~NativeLoop() override;

  // Until it has drained, or Stop.
  void Run();
  // Accepts no more; ends with the last connection. After drain_us all are told
  // 421, which answers their next event, and a little later it ends.
  void Drain();
  void Stop() { loop_.Stop(); }

 private:
  using Peers = std::list<std::unique_ptr<NativePeer>>;

  void Answered(NativePeer& peer) noexcept override;
  void Calm(NativePeer& peer) override;
  void Hurry(NativePeer& peer) override;
  void Gone(NativePeer& peer) override;

  void Listen();
  void Accept(int fd, policy::LoopSocket::Kind kind, std::string_view listener);
  // The last of hurried_: an MTA negotiates at once.
  NativePeer& AddPeer();
  // For the next connection, or not at all.
  void Keep(NativePeer& peer);
  void AcceptFailed(int error);
  // More than its share of the connections: it leaves new ones to other loops
  // for a moment. Not for longer: they may be at their share, or may not know
  // of those whose wake-up this one had.
  bool OverShare() const;
  // Of all loops: nobody accepts any more.
  bool Full() const;
  // One of the listeners.
  bool paused() const;
  void ResumeListeners();
  void EndTurn();
  void ResumeAnswered();
  void Tick();
  void TimeOut(Peers& peers, int64_t patience_us);
  void BeginDrain();
  void EndDrain();
  // 421 to all.
  void EndAll();
  void StartTicking();
  void MoveToBack(NativePeer& peer, Peers& to);

  LoopContext& context_;
  policy::Loop loop_;
  const std::unique_ptr<LoopStore> store_;
  std::array<char, size_t{128} * 1024> input_;
  PeerContext peer_context_;
  Peers calm_;     // by when they were last heard, the longest silent first
  Peers hurried_;  // by when the hurry began
  Peers spare_;    // closed; dropped each second, as they pin old policies
  std::vector<NativePeer*> answered_;
  std::vector<NativePeer*> resuming_;
  std::vector<std::unique_ptr<policy::LoopListener>> listeners_;
  policy::LoopTimer tick_;
  policy::LoopTimer settle_;
  policy::LoopTimer rest_;
  policy::LoopTimer drain_timer_;
  policy::LoopWake drain_;
  policy::LoopTurn turn_;
  size_t connections_ = 0;
  int64_t told_failure_us_ = 0;  // when a failed accept was last said
  bool listening_ = false;
  bool draining_ = false;
  bool drained_ = false;  // the drain's time is over
};

}  // namespace gate::milter
