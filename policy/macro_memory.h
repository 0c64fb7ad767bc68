// Which macros each kind of MTA has ever sent: a fact whose macro it never
// sends is unknown, one whose macro it sent before, and not this time, is
// absent (design.md section 4). Counts what was unknown, for `stats`.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "policy/mta_kind.h"
#include "rules/facts.h"

namespace gate::policy {

// A fact that was unknown in `events` events, and never anything else.
struct UnknownFact {
  rules::FactId fact = rules::FactId::kClientIp;
  MtaKind mta = MtaKind::kOther;
  uint64_t events = 0;
};

// Thread-safe, without locks. Never forgets: an MTA that was told to send a
// macro no more leaves the fact absent until gatemilter is started again.
class MacroMemory {
 public:
  // Their macros came with an event.
  void Remember(MtaKind mta, const rules::FactBits& sent) noexcept;
  // Those of `missing` that this kind of MTA never sent.
  rules::FactBits NeverSent(MtaKind mta,
                            const rules::FactBits& missing) const noexcept;
  // An event found the fact unknown. True the first time under this load of a
  // policy: loads are numbered from 1 on.
  bool Count(MtaKind mta, rules::FactId fact, uint64_t load) noexcept;
  // Of the facts in `needed`.
  std::vector<UnknownFact> Unknown(const rules::FactBits& needed) const;

 private:
  struct Entry {
    std::atomic<uint64_t> events = 0;
    std::atomic<uint64_t> said_in = 0;  // the newest load that was told
  };
  struct Mta {
    std::atomic<uint64_t> sent = 0;  // FactBits
    std::array<Entry, rules::kFactCount> facts;
  };

  std::array<Mta, kMtaKinds> mtas_;
};

}  // namespace gate::policy
