// Turns events (raw texts and macros) into typed facts: the one place that
// decodes for all doors. Texts are made valid UTF-8, domains and addresses
// normalised, headers unfolded and decoded. Only facts; decides nothing.
//
// Order of calls: Expect once a connection, then one call an event; content
// comes as AddHeader and AddBody between Mail and EndMessage; ClearMessage
// when a message ends, however it ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "policy/clock.h"
#include "policy/event.h"
#include "policy/message_content.h"
#include "policy/mta_kind.h"
#include "rules/fact_set.h"
#include "rules/facts.h"
#include "rules/mail_address.h"
#include "rules/policy.h"

namespace gate::policy {

// The state that decoding needs between events.
// Confined to one connection.
class SessionFacts {
 public:
  explicit SessionFacts(rules::FactSet& facts)
      : facts_(facts), content_(facts) {
    expected_.set();
  }

  // From now on only facts whose macros the policy asked the MTA for can be
  // unknown; without a call, all can.
  void Expect(const rules::Needs& needs) {
    expected_ = needs.macro_facts;
    mta_ = MtaKind::kOther;
  }

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
  // time.hour, time.weekday. Call it after Connect, which clears them.
  void Time(const Now& now);

  // Content: see message_content.h. Mail begins it.
  void AddHeader(std::string_view name, std::string_view value,
                 std::optional<rules::HeaderId> id) {
    content_.AddHeader(name, value, id);
  }
  bool AddBody(std::string_view chunk, size_t limit) {
    return content_.AddBody(chunk, limit);
  }
  void EndMessage() { content_.End(); }
  // The message is over (end of message, RSET, EHLO): its facts go. Mail,
  // Helo and Connect do it, too. Idempotent.
  void ClearMessage();

  // Of the facts whose macros an MTA that knows them sends always: those that
  // came with the last event, and those that did not and are unknown now.
  const rules::FactBits& sent() const { return sent_; }
  const rules::FactBits& missing() const { return missing_; }
  // kOther until macro v has come on this connection.
  MtaKind mta() const { return mta_; }
  // True when the MTA itself rejected this recipient (SMFIP_RCPT_REJ:
  // {rcpt_mailer} = error).
  bool rejected_by_mta() const { return rejected_by_mta_; }

 private:
  enum class Missing { kSet, kKeep };

  void BeginEvent(const MacroSource& macros);
  // The facts of the stage that are the value of a macro. kSet: one whose
  // macro was not sent is absent, or unknown; kKeep: it stays.
  void SetMacroFacts(rules::Stage stage, const MacroSource& macros,
                     Missing missing);
  // False when `value` is none of the fact's type.
  bool SetValue(const rules::FactInfo& info, std::string_view value);
  void SetMissing(const rules::FactInfo& info);
  void SetSent(const rules::FactInfo& info);
  void SetClientName(const ConnectEvent& event);
  void SetClientPort(const ConnectEvent& event);
  void SetCertificate(const MacroSource& macros);
  // What the MTA resolved, else what was typed; an address without a domain
  // gets the MTA's own. Valid until the next call.
  const rules::MailAddress& ParseAddress(std::string_view typed,
                                         std::string_view resolved) const;
  // Three facts.
  void SetMailbox(const rules::MailAddress& address, rules::FactId mailbox,
                  rules::FactId local, rules::FactId domain);
  void SetDomain(rules::FactId id, std::string_view text);
  void SetText(rules::FactId id, std::string_view text);

  rules::FactSet& facts_;
  MessageContent content_;
  int64_t quarter_ = -1;  // of an hour, since 1970, that time.* are of
  rules::FactBits expected_;
  rules::FactBits sent_;
  rules::FactBits missing_;
  MtaKind mta_ = MtaKind::kOther;
  bool rejected_by_mta_ = false;
};

}  // namespace gate::policy
