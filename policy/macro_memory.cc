#include "policy/macro_memory.h"

namespace gate::policy {

void MacroMemory::Remember(MtaKind mta, const rules::FactBits& sent) noexcept {
  std::atomic<uint64_t>& known = mtas_[static_cast<size_t>(mta)].sent;
  const uint64_t bits = sent.to_ullong();
  // Nearly always known: the line of memory stays shared.
  if ((bits & ~known.load(std::memory_order_relaxed)) == 0) return;
  known.fetch_or(bits, std::memory_order_relaxed);
}

rules::FactBits MacroMemory::NeverSent(
    MtaKind mta, const rules::FactBits& missing) const noexcept {
  const Mta& entry = mtas_[static_cast<size_t>(mta)];
  return missing & ~rules::FactBits(entry.sent.load(std::memory_order_relaxed));
}

bool MacroMemory::Count(MtaKind mta, rules::FactId fact,
                        uint64_t load) noexcept {
  Entry& entry =
      mtas_[static_cast<size_t>(mta)].facts[static_cast<size_t>(fact)];
  entry.events.fetch_add(1, std::memory_order_relaxed);
  uint64_t said_in = entry.said_in.load(std::memory_order_relaxed);
  while (said_in < load) {
    if (entry.said_in.compare_exchange_weak(said_in, load,
                                            std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

std::vector<UnknownFact> MacroMemory::Unknown(
    const rules::FactBits& needed) const {
  std::vector<UnknownFact> unknown;
  for (size_t kind = 0; kind < kMtaKinds; ++kind) {
    const auto mta = static_cast<MtaKind>(kind);
    const rules::FactBits never = NeverSent(mta, needed);
    for (const rules::FactInfo& info : rules::AllFacts()) {
      const auto index = static_cast<size_t>(info.id);
      const uint64_t events =
          mtas_[kind].facts[index].events.load(std::memory_order_relaxed);
      if (!never.test(index) || events == 0) continue;
      unknown.push_back({.fact = info.id, .mta = mta, .events = events});
    }
  }
  return unknown;
}

}  // namespace gate::policy
