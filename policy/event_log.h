// Where decisions go: to a background writer behind a bounded queue
// (recorder.h); a full queue is counted, never waited for.
#pragma once

#include <memory>

#include "policy/mta_kind.h"
#include "policy/session.h"
#include "policy/verdict.h"

namespace gate::policy {

// Thread-safe. Nothing here blocks or allocates after warm-up.
class EventLog {
 public:
  virtual ~EventLog() = default;
  // What became of one event: of each whose verdict is no plain accept, or at
  // which some rule held (session.notes()), and of a sample of the others.
  struct Decision {
    const Verdict& verdict;
    const Session& session;
    // False: a refusal of local submission that cannot be given.
    bool given = true;
    // No rule decided the event, and it is accepted.
    bool plain() const {
      return verdict.rule == nullptr &&
             verdict.action == rules::Action::kAccept;
    }
  };
  virtual void Decided(const Decision& decision) noexcept = 0;
  // A fact that `policy` needs, whose macro the MTA did not send and never did
  // before: called once for a load of a policy, a kind of MTA, and a fact.
  struct MissingMacro {
    rules::FactId fact;
    MtaKind mta;
    const rules::Policy& policy;
  };
  virtual void MacroMissing(const MissingMacro& missing) noexcept = 0;
  // Decisions by this policy follow, as long as somebody else holds it.
  virtual void Installed(const std::shared_ptr<const rules::Policy>& policy) {
    static_cast<void>(policy);
  }
};

// Drops all of it.
class NullEventLog : public EventLog {
 public:
  void Decided(const Decision&) noexcept override {}
  void MacroMissing(const MissingMacro&) noexcept override {}
};

}  // namespace gate::policy
