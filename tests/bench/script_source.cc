#include "tests/bench/script_source.h"

#include <utility>

namespace gate::bench {
namespace {

constexpr size_t kScriptsPerKind = 128;

std::vector<double> WeightsOf(const Mix& mix) {
  std::vector<double> weights;
  for (const MixKind& kind : mix) weights.push_back(kind.weight);
  return weights;
}

}  // namespace

MixSource::MixSource(const Mix& mix, uint64_t seed) : mix_(mix), random_(seed) {
  const std::vector<double> weights = WeightsOf(mix);
  weights_ = {weights.begin(), weights.end()};
}

absl::Status MixSource::Prepare(const milter::NegotiationAnswer& negotiation) {
  for (const MixKind& kind : mix_) {
    scripts_.emplace_back();
    for (size_t i = 0; i < kScriptsPerKind; ++i) {
      absl::StatusOr<SessionScript> script =
          MakeScript(kind, negotiation, random_);
      if (!script.ok()) return script.status();
      scripts_.back().push_back(*std::move(script));
    }
  }
  return absl::OkStatus();
}

const SessionScript& MixSource::Next() {
  const std::vector<SessionScript>& kind = scripts_[weights_(random_)];
  return kind[random_() % kind.size()];
}

}  // namespace gate::bench
