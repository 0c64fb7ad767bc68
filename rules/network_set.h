// Many networks, one look-up: sorted prefixes with parents and a top-16-bit
// index (facts.md section 9).
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "rules/ip_address.h"

namespace gate::rules {

// Immutable after construction.
class NetworkSet {
 public:
  NetworkSet();
  explicit NetworkSet(std::span<const IpPrefix> prefixes);
  NetworkSet(NetworkSet&&) noexcept;
  NetworkSet& operator=(NetworkSet&&) noexcept;
  ~NetworkSet();

  bool Contains(const IpAddress& address) const;
  // Whether one prefix holds all of `network`.
  bool Contains(const IpPrefix& network) const;
  size_t size() const;

 private:
  struct Index;
  std::unique_ptr<const Index> index_;
};

}  // namespace gate::rules
