// What is known and was decided about one connection and its message.
//
// Owned by the connection of a door (libmilter: its private pointer) or by a
// scenario; Engine alone changes it. Memory is kept from message to message.
//
// What a door needs of it, apart from the verdicts: batch() to have answered
// between Begin and Decide; effects() to post after Decide, Abort and Close;
// at end of message edits(), which say all that is to be done to headers;
// policy().needs() and policy().edited_headers() for the negotiation and to
// count incoming headers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "policy/clock.h"
#include "policy/header_edits.h"
#include "policy/installed.h"
#include "policy/lookups.h"
#include "policy/notes.h"
#include "policy/session_facts.h"
#include "policy/store.h"
#include "policy/verdict.h"
#include "rules/fact_set.h"
#include "rules/policy.h"

namespace gate::policy {

class Engine;

// Confined to one connection.
class Session {
 public:
  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Pinned from Engine::Open on.
  const rules::Policy& policy() const { return *installed_->policy; }
  const rules::FactSet& facts() const { return facts_; }
  // What rules see of the lists at this message.
  const rules::ListTable& lists() const { return *lists_; }
  // The look-ups that Begin wants answered before Decide; they stay readable
  // until the next event.
  Batch& batch() { return lookups_.batch(); }
  const Batch& batch() const { return lookups_.batch(); }
  // Effects of the last call of the engine: the door posts them.
  const Effects& effects() const { return effects_; }
  // Edits to carry out at end of message, in the order of the rules; empty
  // before its Decide, and when the message was refused or discarded. kRemove
  // and kSet mean the incoming headers of the name, each name once; kAdd adds.
  // Incoming headers of names that are ours to add are among the kRemove.
  std::span<const HeaderEdit> edits() const { return edits_.result(); }
  // Truths of over and banned as this event's rules saw them, for Explain.
  rules::StoreView store_view() const { return lookups_.view(); }
  // What an earlier event was answered about this limit; null: nothing.
  const Answer* EarlierAnswer(rules::LimitId limit) const {
    return lookups_.EarlierAnswer(limit);
  }
  // Rules that held at the last event and did not decide it.
  std::span<const Note> notes() const { return notes_.list(); }
  // What the tests of the rule that decided the last event came to.
  std::span<const rules::Weighed> weighed() const { return weighed_; }
  // When the last event came.
  const Now& now() const { return event_.now; }
  // PolicyNumber(policy()).
  uint64_t policy_number() const { return installed_->number; }
  // session.local: submitted without SMTP.
  bool local() const { return facts_.present(rules::FactId::kSessionLocal); }

 private:
  friend class Engine;

  // The event under way.
  struct Event {
    rules::Stage stage = rules::Stage::kConnect;
    Now now;
    bool answered = false;   // without rules: a kept verdict, the MTA's refusal
    size_t next_rule = 0;    // of the stage
    bool rules_ask = false;  // a rule waits for the store
    bool unavailable = false;   // a deciding rule's limit has no answer
    bool shadow_ended = false;  // a shadow rule would have ended the stage
    const rules::Rule* decider = nullptr;
  };
  // `accept message` and `accept connection`: deciding rules are skipped. Of
  // shadow rules: shadow rules are skipped.
  struct Spared {
    bool really = false;
    bool in_shadow = false;
  };
  struct Message {
    bool active = false;     // MAIL was not refused, and it has not ended
    bool discarded = false;  // the MTA accepts it, and tells no more of it
    int64_t accepted = 0;    // recipients
    int64_t refused = 0;     // recipients, by gatemilter or the MTA
    Spared spared;
    const rules::Rule* quarantine = nullptr;  // to be carried out at its end
  };
  // A view for one expression; valid while the session is not changed.
  Lookups::Source source() {
    return {*installed_->policy, facts_, *lists_, match_};
  }

  std::shared_ptr<const Installed> installed_;
  OpenConnection open_;  // from Engine::Open to Engine::Close
  // The one that a second connect event ended: effects_ may name its limits.
  std::shared_ptr<const Installed> replaced_;
  std::shared_ptr<const rules::ListTable> lists_;
  // Of the slot, when installed_ and lists_ were taken.
  uint64_t policy_generation_ = 0;
  uint64_t lists_generation_ = 0;
  rules::FactSet facts_;
  SessionFacts session_facts_{facts_};
  rules::MatchState match_;
  Lookups lookups_;
  Effects effects_;
  HeaderEdits edits_;
  bool connected_ = false;  // a connect event came since Open
  // A refusal of connect or helo that MAIL is answered with.
  std::optional<Verdict> kept_;
  std::string kept_text_;
  Spared spared_;  // for the rest of the connection
  Event event_;
  Message message_;
  std::string quarantine_text_;
  std::string reply_text_;
  Notes notes_;                          // of the event under way
  std::vector<rules::Weighed> weighed_;  // tests of its decider
  bool sampled_ = false;                 // plain accepts are recorded, too
};

}  // namespace gate::policy
