#include "milter/descriptors.h"

#include <sys/resource.h>

#include <algorithm>

namespace gate::milter {
namespace {

constexpr uint64_t kKeptOnce = 64;
// What waits (3) and wakes (2), Redis, its next connection and the sockets by
// which its name is resolved.
constexpr uint64_t kKeptForALoop = 12;

}  // namespace

void RaiseDescriptorLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

uint64_t DescriptorLimit() {
  rlimit limit = {};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
}

uint32_t WebConnections(uint64_t limit, size_t wanted) {
  return static_cast<uint32_t>(std::clamp<uint64_t>(limit / 4, 1, wanted));
}

uint64_t KeptDescriptors(size_t loops, uint32_t web_connections) {
  return kKeptOnce + kKeptForALoop * loops + web_connections;
}

MtaConnections WithinDescriptors(uint64_t limit, uint64_t kept,
                                 const MtaConnections& wanted) {
  const uint64_t room = limit > kept + 2 ? limit - kept : 2;
  const uint64_t spare = room > wanted.served ? room - wanted.served : 0;
  const uint64_t turned_away = std::min<uint64_t>(
      wanted.turned_away, spare > 0 ? spare : std::max<uint64_t>(room / 8, 1));
  const uint64_t served = std::min<uint64_t>(wanted.served, room - turned_away);
  return {.served = static_cast<uint32_t>(served),
          .turned_away = static_cast<uint32_t>(turned_away)};
}

}  // namespace gate::milter
