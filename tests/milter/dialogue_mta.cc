#include "tests/milter/dialogue_mta.h"

#include <stdexcept>
#include <utility>

namespace gate::milter {
namespace {

// Has a thread: one for all worlds.
Log& SharedLog() {
  static policy::Statistics statistics;
  static Log log("error", statistics);
  return log;
}

}  // namespace

void HeldStore::Submit(policy::Batch& batch, policy::Waiter& waiter) noexcept {
  if (!hold_) return memory_.Submit(batch, waiter);
  batch_ = &batch;
  waiter_ = &waiter;
}

bool HeldStore::Post(const policy::Effects& effects) noexcept {
  return memory_.Post(effects);
}

void HeldStore::Release() {
  hold_ = false;
  policy::Waiter* waiter = std::exchange(waiter_, nullptr);
  if (waiter != nullptr) memory_.Submit(*batch_, *waiter);
}

policy::Now FaultyClock::Read() const {
  if (fails_) throw std::runtime_error("no time");
  return ManualClock::Read();
}

DialogueWorld::DialogueWorld(std::shared_ptr<const rules::Policy> policy)
    : lost_features_(SharedLog()) {
  engine_.Install(std::move(policy));
}

uint64_t DialogueWorld::Counted(policy::Counter counter) const {
  return statistics_.Snapshot().counters[static_cast<size_t>(counter)];
}

void DialogueMta::Reopen() {
  dialogue_.Close();
  dialogue_.Open("test");
  state_ = Dialogue::State::kOpen;
}

std::string DialogueMta::Say(const MtaPacket& packet) {
  std::string out;
  answered_ = false;
  state_ =
      dialogue_.Take({.command = packet.command, .data = packet.data}, out);
  return out;
}

std::string DialogueMta::Resume() {
  std::string out;
  state_ = dialogue_.Resume(out);
  return out;
}

}  // namespace gate::milter
