// An MTA that talks to a Dialogue without a socket: a packet in, the bytes of
// the answer out; and all that a Dialogue needs around it. For tests and
// fuzzers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "milter/dialogue.h"
#include "policy/clock.h"
#include "policy/memory_store.h"
#include "tests/milter/mta_packets.h"

namespace gate::milter {

// A MemoryStore that answers at once, or when it is told. Thread-compatible.
class HeldStore : public policy::Store {
 public:
  void Submit(policy::Batch& batch, policy::Waiter& waiter) noexcept override;
  bool Post(const policy::Effects& effects) noexcept override;
  // What is submitted from now on waits for Release: one batch at a time.
  void Hold() { hold_ = true; }
  // Answers what waits, if anything does, and all that comes.
  void Release();

 private:
  policy::MemoryStore memory_{{.max_entries = 1000}};
  bool hold_ = false;
  policy::Batch* batch_ = nullptr;
  policy::Waiter* waiter_ = nullptr;
};

// Its engine fails while it has no time.
class FaultyClock : public policy::ManualClock {
 public:
  policy::Now Read() const override;
  void Fail() { fails_ = true; }

 private:
  bool fails_ = false;
};

// What dialogues share, under one policy. Thread-compatible.
class DialogueWorld {
 public:
  explicit DialogueWorld(std::shared_ptr<const rules::Policy> policy);

  const DialogueContext& context() const { return context_; }
  FaultyClock& clock() { return clock_; }
  HeldStore& store() { return store_; }
  uint64_t Counted(policy::Counter counter) const;

 private:
  FaultyClock clock_;
  policy::Statistics statistics_;
  policy::NullEventLog log_;
  LostFeatures lost_features_;
  HeldStore store_;
  policy::References references_{/*node=*/0};
  policy::Engine engine_{clock_, statistics_, log_, references_};
  const DialogueContext context_{engine_, store_, statistics_, lost_features_};
};

// One connection. Thread-compatible.
class DialogueMta : private DialogueOwner {
 public:
  explicit DialogueMta(DialogueWorld& world)
      : dialogue_(world.context(), *this) {
    dialogue_.Open("test");
  }
  ~DialogueMta() override { dialogue_.Close(); }

  // Another connection, in the memory of this one. Requires: it does not wait.
  void Reopen();
  // The bytes that come back. Requires: state() is kOpen.
  std::string Say(const MtaPacket& packet);
  // Requires: answered().
  std::string Resume();
  void Break(policy::Counter why, std::string& out) {
    state_ = dialogue_.Break(why, out);
  }
  Dialogue::State state() const { return state_; }
  // The store has answered since the dialogue began to wait.
  bool answered() const { return answered_; }
  Dialogue& dialogue() { return dialogue_; }

 private:
  void Answered(Dialogue&) noexcept override { answered_ = true; }

  Dialogue dialogue_;
  Dialogue::State state_ = Dialogue::State::kOpen;
  bool answered_ = false;
};

}  // namespace gate::milter
