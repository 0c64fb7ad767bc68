// Where a load takes its sessions from: drawn from a mix, or made one by one by
// a test that has to know each of them.
#pragma once

#include <cstddef>
#include <random>
#include <vector>

#include "absl/status/status.h"
#include "tests/bench/session_mix.h"
#include "tests/bench/session_script.h"

namespace gate::bench {

// Confined to the load's thread.
class ScriptSource {
 public:
  virtual ~ScriptSource() = default;
  // Before the first session: what the filter wants to be asked, and how. An
  // error: the sessions do not fit.
  virtual absl::Status Prepare(
      const milter::NegotiationAnswer& negotiation) = 0;
  // The next session; it stays where it is until it has ended.
  virtual const SessionScript& Next() = 0;
  virtual void Ended(const SessionScript&) {}
};

// Kinds by their weights; of each some scripts, made before the load begins so
// that it does not measure that.
class MixSource : public ScriptSource {
 public:
  // The mix outlives the source.
  MixSource(const Mix& mix, uint64_t seed);

  absl::Status Prepare(const milter::NegotiationAnswer& negotiation) override;
  const SessionScript& Next() override;

 private:
  const Mix& mix_;
  std::mt19937_64 random_;
  std::vector<std::vector<SessionScript>> scripts_;  // by kind
  std::discrete_distribution<size_t> weights_;
};

}  // namespace gate::bench
