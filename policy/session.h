// What is known and was decided about one connection and its message.
//
// Owned by the connection of a door (libmilter: its private pointer) or by a
// scenario; Engine alone changes it. Memory is kept from message to message.
// Confined to one connection.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "policy/clock.h"
#include "policy/store.h"
#include "policy/verdict.h"
#include "rules/fact_set.h"
#include "rules/policy.h"

namespace gate::policy {

class Engine;

class Session {
 public:
  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Pinned from Engine::Open on.
  const rules::Policy& policy() const { return *policy_; }
  const rules::FactSet& facts() const { return facts_; }
  // What rules saw of the lists at this message.
  const rules::ListTable& lists() const { return *lists_; }
  // The look-ups that Begin wants answered before Decide.
  Batch& batch() { return batch_; }
  // Effects of the last event: the door posts them.
  const Effects& effects() const { return effects_; }
  // Edits to carry out at end of message, in the order of the rules.
  std::span<const HeaderEdit> edits() const {
    return {edits_.data(), edit_count_};
  }
  // Truths of over and banned as this event's rules saw them, for Explain.
  rules::StoreView store_view() const { return {over_, banned_}; }
  bool local() const;  // session.local: submitted without SMTP

 private:
  friend class Engine;
  // The engine helper completes these.
  std::shared_ptr<const rules::Policy> policy_;
  std::shared_ptr<const rules::ListTable> lists_;
  rules::FactSet facts_;
  rules::MatchState match_;
  Batch batch_;
  Effects effects_;
  std::vector<HeaderEdit> edits_;
  size_t edit_count_ = 0;
  std::vector<rules::Truth> over_;
  std::vector<rules::Truth> banned_;
};

}  // namespace gate::policy
