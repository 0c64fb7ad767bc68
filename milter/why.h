// "Why was my mail rejected?": finds decisions in the journal by what a sender
// or an administrator has of them.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "policy/journal_reader.h"
#include "policy/latest_decisions.h"
#include "rules/ip_address.h"

namespace gate::milter {

// What is asked for; a word can be a reference and a queue id.
struct WhyQuery {
  std::string text;  // as typed
  uint64_t reference = 0;
  std::string queue_id;
  std::optional<rules::IpPrefix> network;   // also one address
  bool latest = false;                      // whatever it is
  size_t most = 20;                         // records
  int64_t since_us = 0;                     // wall time
  std::chrono::nanoseconds patience{0};     // with the journal; 0: all of it
  const std::atomic<bool>* stop = nullptr;  // true: enough of the journal
};

// A reference, a queue id, an address or a network. An error says what fits.
absl::StatusOr<WhyQuery> ParseWhyQuery(std::string_view text);

struct WhyFound {
  std::vector<policy::KeptDecision> decisions;  // the newest first
  bool more = false;                            // than were asked for
  bool ended = false;           // by patience or stop: not all was searched
  uint64_t damaged_blocks = 0;  // of the journal, passed over
};

// An error: the journal cannot be read.
absl::StatusOr<WhyFound> FindDecisions(const WhyQuery& query,
                                       const policy::JournalReader& journal);
// In the latest decisions: where no journal is kept.
WhyFound FindDecisions(const WhyQuery& query,
                       const policy::LatestDecisions& latest);

}  // namespace gate::milter
