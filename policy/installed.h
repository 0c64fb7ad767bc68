// A policy in service: what the slot of the engine holds and sessions pin.
#pragma once

#include <cstdint>
#include <memory>

#include "policy/statistics.h"
#include "rules/list_table.h"
#include "rules/policy.h"

namespace gate::policy {

// Immutable after construction. Pins a policy together with the counters of
// its rules; `lists` are the newest contents of its lists, which sessions pin
// apart (rules per connection, lists per message).
struct Installed {
  std::shared_ptr<const rules::Policy> policy;
  std::shared_ptr<const rules::ListTable> lists;
  RuleSlots slots;
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
