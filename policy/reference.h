// References: the short tokens by which a refused sender, the log and the
// journal name one decision.
//
// 40 bits: when it was made, in ticks of 1/16384 s since the Unix epoch modulo
// 2^36 (48 days), and in the lowest 4 the node that made it. Written in
// Crockford's base 32 as 7K2F-9QXM: no letter looks like a digit.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gate::policy {

inline constexpr int64_t kReferenceTicksPerSecond = 16384;
inline constexpr uint32_t kReferenceNodes = 16;

// "7K2F-9QXM". Does not allocate. Requires: at most 40 bits.
std::string FormatReference(uint64_t reference);
// Forgives what people do to a token: lower case, no dash, blanks or brackets
// around it, O for 0, I and L for 1. Empty: it is none.
std::optional<uint64_t> ParseReference(std::string_view text);

// Which of the nodes a host is that `set node` does not number: two hosts in
// sixteen pairs are one.
uint32_t NodeOfHost(std::string_view host);

// The one of both that was made later, if not 24 days lie between them; 0 is
// none.
uint64_t LaterReference(uint64_t one, uint64_t other);

// References that were given and are in no journal after a kill: no more than
// so many ticks.
inline constexpr uint64_t kLostTicks = 16 * kReferenceTicksPerSecond;

// The first tick for those who start anew, by the last reference that is known
// of those before: one that was made not long before `wall_us`, or from ticks
// to come. 0: none is known.
uint64_t TickAfter(uint64_t reference, int64_t wall_us);

// Makes them, each one once. Thread-safe, lock-free.
class References {
 public:
  // `first`: the tick before which none is made.
  // Requires: node < kReferenceNodes.
  explicit References(uint32_t node, uint64_t first = 0)
      : node_(node), next_(first) {}

  // Grows with each call, whatever the clock does: more in one tick than one
  // borrow from the ticks to come. Never 0, which means none.
  uint64_t Make(int64_t wall_us);

 private:
  const uint32_t node_;
  std::atomic<uint64_t> next_;  // the tick that is not given yet
};

}  // namespace gate::policy
