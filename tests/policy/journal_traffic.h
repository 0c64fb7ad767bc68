// Refused mail as a busy server sees it, decided by a real engine and written
// by the real writer of records: tests of the journal's size and speed measure
// nothing that is made by hand.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "policy/clock.h"
#include "policy/decision_writer.h"
#include "policy/memory_store.h"
#include "policy/policy_description.h"
#include "policy/statistics.h"
#include "tests/policy/engine_fixture.h"

namespace gate::policy {

// Two limits are charged and three rules tried for each recipient; every
// record has addresses, names and mailboxes of its own. Confined to one thread.
class JournalTraffic : private EventLog {
 public:
  static constexpr const char* kPolicy = R"(
list ours domains { .example.org }
list blocked networks { 192.0.2.0/24 198.51.100.0/24 2001:db8:bad::/48 }
limit per_client 1000/min per client.ip counting recipients
limit per_sender 5000/hour per sender counting recipients
at rcpt {
  blocked:  reject 554 5.7.1 "Service refused for {client.ip}"
            when client.ip in blocked
  too_many: defer 451 4.7.1 "Too many recipients, try again later"
            when over per_client or over per_sender
  no_relay: reject 554 5.7.1 "Relaying denied: {rcpt}" when rcpt.domain not in ours
}
at data {
  no_null: reject 550 5.7.1 "Bounces are not accepted here" when sender == <>
  no_ptr:  reject 550 5.7.1 "No name for {client.ip}" when not client.ptr
  no_dot:  reject 550 5.7.1 "No full name: {helo}" when helo not matches "*.*"
}
)";

  // `records` come in a day.
  JournalTraffic(uint64_t seed, int64_t records);
  const PolicyDescription& description() const { return description_; }

  struct Refusal {
    uint64_t reference = 0;
    std::string_view client;
    std::string_view queue_id;  // empty: refused before it had one
    std::string_view record;
  };
  // Plays a session; what is refused in it is visited.
  void Play(absl::FunctionRef<void(const Refusal&)> visit);

 private:
  void Decided(const Decision& decision) noexcept override;
  void MacroMissing(const MissingMacro&) noexcept override {}
  uint64_t Draw(uint64_t below) { return random_() % below; }
  std::string Name();
  std::string Domain();
  std::string Client();

  const int64_t step_us_;
  std::mt19937_64 random_;
  ManualClock clock_;
  Statistics statistics_;
  References references_{/*node=*/3};
  Engine engine_{clock_, statistics_, *this, references_};
  MemoryStore store_;
  FakeMta mta_{engine_, store_};
  PolicyDescription description_;
  std::string record_;      // the last one; empty: none
  uint64_t reference_ = 0;  // in it
};

}  // namespace gate::policy
