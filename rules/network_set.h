// Many networks, one look-up: sorted prefixes with an index over the top 16
// bits, IPv4 and IPv6 apart (facts.md section 9). A prefix inside another one
// of the set adds nothing to the answer and is left out; so no prefix needs
// its parent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "rules/ip_address.h"

namespace gate::rules {

// Immutable after construction.
class NetworkSet {
 public:
  NetworkSet();
  // `lines`: where each prefix stands; empty: nowhere, which is line 0.
  explicit NetworkSet(std::span<const IpPrefix> prefixes,
                      std::span<const uint32_t> lines = {});
  NetworkSet(NetworkSet&&) noexcept;
  NetworkSet& operator=(NetworkSet&&) noexcept;
  ~NetworkSet();

  bool Contains(const IpAddress& address) const;
  // Whether one prefix holds all of `network`.
  bool Contains(const IpPrefix& network) const {
    return Find(network).has_value();
  }
  // The line of that prefix, the widest one; empty: none does.
  std::optional<uint32_t> Find(const IpPrefix& network) const;
  size_t size() const;  // prefixes given

 private:
  struct Index;
  std::unique_ptr<const Index> index_;
};

}  // namespace gate::rules
