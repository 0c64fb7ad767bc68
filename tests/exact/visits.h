// Sessions whose verdicts are known beforehand, without end and repeatable by
// their seed, and what gatemilter must have counted after them: by rule, and by
// whom it refused.
//
// Clients, senders, recipients and users are drawn with a skew (Zipf), from
// more of them than a top list has room for.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/bench/script_source.h"

namespace gate::exact {

struct RuleName {
  std::string stage;
  std::string rule;
  std::string action;
  bool shadow = false;

  friend auto operator<=>(const RuleName&, const RuleName&) = default;
  friend std::ostream& operator<<(std::ostream& out, const RuleName& name) {
    return out << name.stage << '/' << name.rule << '/' << name.action
               << (name.shadow ? "/shadow" : "");
  }
};

// How often something came, by what it was.
using Counts = std::map<std::string, uint64_t>;
using RuleCounts = std::map<RuleName, uint64_t>;

struct Tallies {
  RuleCounts held;
  RuleCounts repeats;
  uint64_t plain = 0;      // events that no rule decided
  uint64_t not_given = 0;  // refusals of local submissions
  Counts over;             // by limit
  // Refusals, discards and quarantines, by "client", "sender", "rcpt", "user",
  // "rule" and the key.
  std::map<std::string, Counts> top;
};

// The policy that the sessions are for; without `set`.
std::string_view Policy();

// Confined to one thread.
class Visits : public bench::ScriptSource {
 public:
  explicit Visits(uint64_t seed);
  ~Visits() override;

  absl::Status Prepare(const milter::NegotiationAnswer& negotiation) override;
  const bench::SessionScript& Next() override;
  void Ended(const bench::SessionScript& script) override;

  // Of all sessions that Next gave.
  const Tallies& tallies() const { return tallies_; }

 private:
  struct Visit;
  // Whom a session is about; empty: it has none.
  struct Names;

  Names Draw();
  void Count(size_t kind, const bench::MixKind& events);

  std::mt19937_64 random_;
  std::discrete_distribution<size_t> kinds_;
  std::discrete_distribution<uint32_t> skew_;
  uint64_t number_ = 0;  // of the session
  milter::NegotiationAnswer negotiation_;
  Tallies tallies_;
  std::map<const bench::SessionScript*, std::unique_ptr<Visit>> under_way_;
};

}  // namespace gate::exact
