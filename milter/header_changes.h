// The header edits of one message as milters must send them: by instance
// number, removals from the highest one down, then additions.
//
// For each message: Reset, Count for every incoming header, Build at its end.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/verdict.h"
#include "rules/policy.h"

namespace gate::milter {

struct HeaderChange {
  enum class Kind : uint8_t { kRemove, kAdd };
  Kind kind = Kind::kAdd;
  std::string name;
  uint32_t instance = 0;  // kRemove: which one of this name, from 1
  std::string value;      // kAdd: encoded (reply.h)
};

// Confined to one connection. `policy`: the same one from Reset to Build.
class HeaderChanges {
 public:
  void Reset();
  void Count(const rules::Policy& policy, std::string_view name);
  // `edits`: Session::edits(). Requires: their names are the policy's.
  void Build(const rules::Policy& policy,
             std::span<const policy::HeaderEdit> edits);

  // Empty before Build.
  std::span<const HeaderChange> list() const { return list_; }

 private:
  void RemoveIncoming(const rules::Policy& policy, std::string_view name);

  // Index as in Policy::edited_headers(): the instances that came in.
  std::vector<uint32_t> counts_;
  std::vector<HeaderChange> list_;
};

}  // namespace gate::milter
