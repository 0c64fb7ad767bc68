// Turns events (raw texts and macros) into typed facts: the one place that
// decodes for all doors. Texts are made valid UTF-8, domains and addresses
// normalised, headers unfolded and decoded. Only facts; decides nothing.
#pragma once

#include <bitset>
#include <string>
#include <string_view>

#include "policy/clock.h"
#include "policy/event.h"
#include "rules/fact_set.h"
#include "rules/mail_address.h"

namespace gate::policy {

// Scratch memory and the state that decoding needs between events.
// Confined to one connection.
class SessionFacts {
 public:
  explicit SessionFacts(rules::FactSet& facts) : facts_(facts) {}

  // Each sets the facts of its stage (and clears what the stage replaces:
  // Helo clears tls.* and what follows, Mail the message's facts, Rcpt the
  // last recipient's).
  void Connect(const ConnectEvent& event);
  void Helo(const HeloEvent& event);
  void Mail(const MailEvent& event);
  void Rcpt(const RcptEvent& event);
  void Data(const MacroSource& macros);     // queue.id
  void Time(const Now& now);                // time.hour, time.weekday
  // Facts whose macro should have come at this stage and did not since
  // Connect: for statistics and the log. Cleared by the caller.
  std::bitset<rules::kFactCount>& unknown() { return unknown_; }
  // True when the MTA itself rejected this recipient (SMFIP_RCPT_REJ:
  // {rcpt_mailer} = error).
  bool rejected_by_mta() const { return rejected_by_mta_; }

 private:
  rules::FactSet& facts_;
  rules::MailAddress address_;
  std::string server_name_;
  std::string scratch_;
  std::bitset<rules::kFactCount> unknown_;
  bool rejected_by_mta_ = false;
};

}  // namespace gate::policy
