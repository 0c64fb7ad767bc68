// A policy in service: what the slot of the engine holds and sessions pin.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "policy/statistics.h"
#include "rules/list_table.h"
#include "rules/policy.h"

namespace gate::policy {

// How many connections are open under one policy. Thread-safe.
struct ConnectionGauge {
  std::string policy_hash;
  uint64_t load = 0;
  std::atomic<int64_t> open = 0;
};

// A connection's share of a gauge, as long as it lives.
class OpenConnection {
 public:
  OpenConnection() = default;
  explicit OpenConnection(std::shared_ptr<ConnectionGauge> gauge)
      : gauge_(std::move(gauge)) {
    gauge_->open.fetch_add(1, std::memory_order_relaxed);
  }
  OpenConnection(OpenConnection&&) = default;
  OpenConnection& operator=(OpenConnection&& other) noexcept {
    std::swap(gauge_, other.gauge_);
    return *this;
  }
  ~OpenConnection() {
    if (gauge_) gauge_->open.fetch_sub(1, std::memory_order_relaxed);
  }

 private:
  std::shared_ptr<ConnectionGauge> gauge_;
};

// Immutable after construction. Pins a policy together with the counters of
// its rules; `lists` are the newest contents of its lists, which sessions pin
// apart (rules per connection, lists per message).
struct Installed {
  std::shared_ptr<const rules::Policy> policy;
  std::shared_ptr<const rules::ListTable> lists;
  PolicySlots slots;
  std::shared_ptr<ConnectionGauge> connections;
  uint64_t number = 0;  // PolicyNumber
  uint64_t load = 0;    // policies are numbered as they come, from 1 on
};

// The newest contents in `newest` of the lists of `policy`, found by name and
// type; a list that is not there any more keeps its contents in `current`.
// Allocates: for sessions that outlive their policy, once a swap.
std::shared_ptr<const rules::ListTable> MapLists(
    const rules::Policy& policy,
    const std::shared_ptr<const rules::ListTable>& current,
    const Installed& newest);

}  // namespace gate::policy
