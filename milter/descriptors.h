// The limit of descriptors (RLIMIT_NOFILE), and who may take how many. An MTA
// that gets none waits without an answer, and what it takes from the others
// (Redis, the journal, a reload) is what they lack.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gate::milter {

// The soft limit of 1024 that shells and supervisors hand down is for programs
// that use select. Ours do not: it becomes the hard limit.
void RaiseDescriptorLimit();
// RLIM_INFINITY when it is not known.
uint64_t DescriptorLimit();

// Connections of the HTTP server: at most a quarter of the limit.
uint32_t WebConnections(uint64_t limit, size_t wanted);

// What is not the MTAs': a constant for all that is open once (sockets, log,
// journal, control, files of a reload), some for each loop (its own, Redis),
// and the connections of the HTTP server.
uint64_t KeptDescriptors(size_t loops, uint32_t web_connections);

// Connections of MTAs: served, and beyond them such as are only told 421.
struct MtaConnections {
  uint32_t served = 0;
  uint32_t turned_away = 0;
  friend bool operator==(const MtaConnections&,
                         const MtaConnections&) = default;
};
// As wanted, or as many as `limit` without `kept` has room for: one in eight is
// told 421 then. At least one of each.
MtaConnections WithinDescriptors(uint64_t limit, uint64_t kept,
                                 const MtaConnections& wanted);

}  // namespace gate::milter
