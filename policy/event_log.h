// Where lines about events go: written by a background writer behind a
// bounded queue (milter/log.cc); a full queue is counted, never waited for.
#pragma once

#include <string_view>

#include "policy/mta_kind.h"
#include "policy/session.h"
#include "policy/verdict.h"

namespace gate::policy {

// Thread-safe. Nothing here blocks or allocates after warm-up.
class EventLog {
 public:
  virtual ~EventLog() = default;
  // A verdict that is no plain accept; also shadow rules' (shadow = true:
  // what it would have been) and refusals of local submission that cannot be
  // given (`given` = false).
  struct Decision {
    const Verdict& verdict;
    const Session& session;
    bool shadow = false;
    bool given = true;
  };
  virtual void Decided(const Decision& decision) noexcept = 0;
  // A `log` rule; the text is rendered, not escaped.
  virtual void Noted(const rules::Rule& rule, const Session& session,
                     std::string_view text) noexcept = 0;
  // A fact that `policy` needs, whose macro the MTA did not send and never did
  // before: called once for a load of a policy, a kind of MTA, and a fact.
  struct MissingMacro {
    rules::FactId fact;
    MtaKind mta;
    const rules::Policy& policy;
  };
  virtual void MacroMissing(const MissingMacro& missing) noexcept = 0;
};

// Drops all of it.
class NullEventLog : public EventLog {
 public:
  void Decided(const Decision&) noexcept override {}
  void Noted(const rules::Rule&, const Session&,
             std::string_view) noexcept override {}
  void MacroMissing(const MissingMacro&) noexcept override {}
};

}  // namespace gate::policy
