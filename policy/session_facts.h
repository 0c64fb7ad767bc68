// Turns events (raw texts and macros) into typed facts: the one place that
// decodes for all doors. Texts are made valid UTF-8, domains and addresses
// normalised, headers unfolded and decoded. Only facts; decides nothing.
//
// Order of calls: Expect once a connection, then one call an event; content
// comes as AddHeader and AddBody between Mail and EndMessage; ClearMessage
// when a message ends, however it ends.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "policy/clock.h"
#include "policy/event.h"
#include "rules/fact_set.h"
#include "rules/facts.h"
#include "rules/mail_address.h"
#include "rules/policy.h"

namespace gate::policy {

// Scratch memory and the state that decoding needs between events.
// Confined to one connection.
class SessionFacts {
 public:
  explicit SessionFacts(rules::FactSet& facts) : facts_(facts) {}

  // From now on only facts whose macros the policy asked the MTA for can be
  // unknown; without a call, all can.
  void Expect(const rules::Needs& needs);

  // Each sets the facts of its stage (and clears what the stage replaces:
  // Connect everything, Helo clears tls.* and what follows, Mail the
  // message's facts, Rcpt the last recipient's).
  void Connect(const ConnectEvent& event);
  void Helo(const HeloEvent& event);
  void Mail(const MailEvent& event);
  void Rcpt(const RcptEvent& event);
  // queue.id. Call it at data, headers and message: the first of them that
  // the policy has negotiated brings it.
  void Data(const MacroSource& macros);
  void Time(const Now& now);  // time.hour, time.weekday

  // A header field as the MTA hands it over (folded, encoded). `id`: its
  // index when the policy reads headers of this name (Policy::FindHeader).
  void AddHeader(std::string_view name, std::string_view value,
                 std::optional<rules::HeaderId> id);
  // Keeps the first `limit` bytes of the body (Settings::body_limit); true
  // while it has room for more. message.size wants every chunk.
  bool AddBody(std::string_view chunk, size_t limit);
  // message.size and body, from what came since Mail.
  void EndMessage();
  // The message is over (end of message, RSET, EHLO): its facts go. Mail,
  // Helo and Connect do it, too. Idempotent.
  void ClearMessage();

  // Facts whose macro should have come at this stage and did not since
  // Connect: for statistics and the log. Cleared by the caller.
  std::bitset<rules::kFactCount>& unknown() { return unknown_; }
  // True when the MTA itself rejected this recipient (SMFIP_RCPT_REJ:
  // {rcpt_mailer} = error).
  bool rejected_by_mta() const { return rejected_by_mta_; }

 private:
  void DecodeMacros(rules::Stage stage, const MacroSource& macros);
  void DecodeMacro(const rules::FactInfo& info, const MacroSource& macros);
  void SetValue(const rules::FactInfo& info, std::string_view value);
  void SetMissing(const rules::FactInfo& info);
  void SetClientName(const ConnectEvent& event);
  void SetCertificate(const MacroSource& macros);
  void SetParameters(std::span<const std::string_view> parameters,
                     rules::Stage stage);
  // Parses `address` into address_; one without a domain gets server_name_.
  void ParseAddress(std::string_view address, const MacroSource& macros);
  void SetMailbox(rules::FactId mailbox, rules::FactId local,
                  rules::FactId domain);
  void AddFrom(std::string_view value);
  // Valid UTF-8 into scratch_.
  std::string_view Clean(std::string_view text);

  rules::FactSet& facts_;
  rules::MailAddress address_;
  std::string server_name_;  // normal form; empty: the MTA did not say
  std::string scratch_;
  std::string domain_;  // second scratch, for normal forms
  std::string body_;    // raw, up to the limit
  uint64_t content_size_ = 0;
  int64_t quarter_ = -1;  // of an hour, since 1970: when time.* were set
  std::bitset<rules::kFactCount> expected_{~uint64_t{0}};
  std::bitset<rules::kFactCount> unknown_;
  bool rejected_by_mta_ = false;
};

}  // namespace gate::policy
