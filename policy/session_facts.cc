#include "policy/session_facts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <vector>

#include "policy/esmtp_parameters.h"
#include "rules/ascii.h"
#include "rules/domain_name.h"

namespace gate::policy {
namespace {

using rules::FactId;
using rules::FactInfo;
using rules::FactType;
using rules::Stage;

size_t Index(FactId id) { return static_cast<size_t>(id); }

// The macro's value; empty when it was not sent: MTAs send empty ones for
// what they do not know.
std::string_view Macro(const MacroSource& macros, std::string_view name) {
  return macros.Macro(name).value_or(std::string_view());
}

// Facts that are more than the value of their first macro: functions of their
// own set them.
bool HasOwnDecoding(FactId id) {
  switch (id) {
    case FactId::kClientName:
    case FactId::kClientPtr:
    case FactId::kClientPort:
    case FactId::kTlsCertVerified:
    case FactId::kSender:
    case FactId::kSenderLocal:
    case FactId::kSenderDomain:
    case FactId::kRcpt:
    case FactId::kRcptLocal:
    case FactId::kRcptDomain:
    case FactId::kRcptRouted:
      return true;
    default:
      return false;
  }
}

// A fact that is the value of a macro, of the first that was sent.
struct MacroFact {
  const FactInfo* info = nullptr;
  std::vector<std::string_view> names;

  std::string_view Value(const MacroSource& macros) const {
    for (const std::string_view name : names) {
      const std::string_view value = Macro(macros, name);
      if (!value.empty()) return value;
    }
    return {};
  }
};

MacroFact MakeMacroFact(const FactInfo& info) {
  MacroFact fact{.info = &info, .names = {}};
  std::string_view names = info.macros;
  while (!names.empty()) {
    const size_t end = std::min(names.find(' '), names.size());
    fact.names.push_back(names.substr(0, end));
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return fact;
}

using MacroFacts = std::array<std::vector<MacroFact>, rules::kStageCount>;

MacroFacts MakeMacroFacts() {
  MacroFacts facts;
  for (const FactInfo& info : rules::AllFacts()) {
    if (info.origin != rules::FactOrigin::kMacro || HasOwnDecoding(info.id)) {
      continue;
    }
    facts[static_cast<size_t>(info.macro_stage)].push_back(MakeMacroFact(info));
  }
  return facts;
}

const std::vector<MacroFact>& MacroFactsOf(Stage stage) {
  static const MacroFacts facts = MakeMacroFacts();
  return facts[static_cast<size_t>(stage)];
}

// What each recipient brings anew.
rules::FactBits MakeRecipientFacts() {
  rules::FactBits facts;
  for (const FactInfo& info : rules::AllFacts()) {
    facts[Index(info.id)] =
        info.stage == Stage::kRcpt && info.origin != rules::FactOrigin::kEngine;
  }
  return facts;
}

// "unknown" (Postfix) and "[192.0.2.1]" (Sendmail) stand for no name.
bool IsHostName(std::string_view name) {
  return !name.empty() && !name.starts_with('[') && name != "unknown";
}

// An address as macros write it: maybe behind "IPv6:".
std::optional<rules::IpAddress> ParseMacroAddress(std::string_view text) {
  constexpr std::string_view kTag = "IPv6:";
  if (rules::EqualFolded(text.substr(0, kTag.size()), kTag)) {
    text.remove_prefix(kTag.size());
  }
  return rules::IpAddress::Parse(text);
}

std::optional<int64_t> ParseNumber(std::string_view text) {
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  if (result.ec != std::errc() || result.ptr != end || number < 0) return {};
  return number;
}

// Postfix's cleanup says this for mail that was not submitted by SMTP
// (non_smtpd_milters); Sendmail gives no address then. A proxy that does not
// tell the client's address (XCLIENT) gives none either, but another name.
bool IsLocal(const ConnectEvent& event) {
  static const rules::IpAddress kLoopback =
      rules::IpAddress::FromV4(0x7f000001);
  return rules::EqualFolded(event.host, "localhost") &&
         (!event.address || (*event.address == kLoopback && event.port == 0));
}

// Sendmail tells what became of the certificate; Postfix sends its subject
// only if it was verified.
bool IsCertificateVerified(const MacroSource& macros) {
  const std::string_view verify = Macro(macros, "{verify}");
  if (!verify.empty()) return verify == "OK";
  return FindMtaKind(Macro(macros, "v")) == MtaKind::kPostfix &&
         !Macro(macros, "{cert_subject}").empty();
}

// Memory that decoding needs for a moment: a connection may be idle for hours.
struct Scratch {
  rules::MailAddress address;
  rules::MailAddress typed;
  std::string domain;
  std::string text;
};

Scratch& ScratchOfThread() {
  thread_local Scratch scratch;
  return scratch;
}

// Valid UTF-8; a view of the scratch.
std::string_view Clean(std::string_view text) {
  std::string& clean = ScratchOfThread().text;
  rules::MakeValidUtf8(text, clean);
  return clean;
}

}  // namespace

void SessionFacts::BeginEvent(const MacroSource& macros) {
  sent_.reset();
  missing_.reset();
  // It comes once: a later event may still see it, or not.
  if (mta_ == MtaKind::kOther) mta_ = FindMtaKind(Macro(macros, "v"));
}

void SessionFacts::Connect(const ConnectEvent& event) {
  mta_ = MtaKind::kOther;
  BeginEvent(event.macros);
  ClearMessage();
  facts_.ClearFrom(Stage::kConnect);
  SetMacroFacts(Stage::kConnect, event.macros, Missing::kSet);
  facts_.SetFlag(FactId::kSessionLocal, IsLocal(event));
  if (!event.listener.empty()) SetText(FactId::kListener, event.listener);
  if (event.address) {
    facts_.SetAddress(FactId::kClientIp, *event.address);
    facts_.SetPrefix(FactId::kClientNetwork,
                     rules::ClientNetwork(*event.address));
  }
  SetClientName(event);
  SetClientPort(event);
}

void SessionFacts::SetClientName(const ConnectEvent& event) {
  const std::string_view resolve = Macro(event.macros, "{client_resolve}");
  std::string_view name = Macro(event.macros, "{client_name}");
  if (resolve.empty() && name.empty()) name = event.host;
  const bool verified = resolve.empty() || resolve == "OK";
  if (verified && IsHostName(name)) SetDomain(FactId::kClientName, name);

  static const MacroFact ptr_fact =
      MakeMacroFact(rules::Info(FactId::kClientPtr));
  const FactInfo& ptr_info = *ptr_fact.info;
  const std::string_view ptr = ptr_fact.Value(event.macros);
  if (ptr.empty()) return SetMissing(ptr_info);
  SetSent(ptr_info);
  if (IsHostName(ptr)) SetDomain(FactId::kClientPtr, ptr);
}

void SessionFacts::SetClientPort(const ConnectEvent& event) {
  const auto port = ParseNumber(Macro(event.macros, "{client_port}"));
  if (port || event.port != 0) {
    facts_.SetNumber(FactId::kClientPort, port.value_or(event.port));
  }
}

void SessionFacts::Helo(const HeloEvent& event) {
  BeginEvent(event.macros);
  ClearMessage();
  facts_.ClearFrom(Stage::kHelo);
  if (!event.name.empty()) SetDomain(FactId::kHelo, event.name);
  SetMacroFacts(Stage::kHelo, event.macros, Missing::kSet);
  SetCertificate(event.macros);
}

void SessionFacts::Mail(const MailEvent& event) {
  BeginEvent(event.macros);
  ClearMessage();
  content_.Begin();
  // Sendmail sends the macros of TLS again, some only now.
  SetMacroFacts(Stage::kHelo, event.macros, Missing::kKeep);
  SetCertificate(event.macros);
  SetMacroFacts(Stage::kMail, event.macros, Missing::kSet);
  SetText(FactId::kSenderRaw, event.path);
  SetMailbox(ParseAddress(event.path, Macro(event.macros, "{mail_addr}")),
             FactId::kSender, FactId::kSenderLocal, FactId::kSenderDomain);
  SetParameters(event.parameters, Stage::kMail, facts_);
}

void SessionFacts::Rcpt(const RcptEvent& event) {
  BeginEvent(event.macros);
  static const rules::FactBits of_recipient = MakeRecipientFacts();
  facts_.Clear(of_recipient);
  SetMacroFacts(Stage::kRcpt, event.macros, Missing::kSet);
  SetText(FactId::kRcptRaw, event.path);
  rejected_by_mta_ = Macro(event.macros, "{rcpt_mailer}") == "error";
  // {rcpt_addr} of a rejected recipient is the text of the rejection.
  const std::string_view resolved = rejected_by_mta_
                                        ? std::string_view()
                                        : Macro(event.macros, "{rcpt_addr}");
  const rules::MailAddress& address = ParseAddress(event.path, resolved);
  SetMailbox(address, FactId::kRcpt, FactId::kRcptLocal, FactId::kRcptDomain);
  facts_.SetFlag(FactId::kRcptRouted, address.routed || address.source_route);
  SetParameters(event.parameters, Stage::kRcpt, facts_);
}

void SessionFacts::Data(const MacroSource& macros) {
  BeginEvent(macros);
  SetMacroFacts(Stage::kData, macros, Missing::kSet);
}

void SessionFacts::Time(const Now& now) {
  static constexpr std::array<std::string_view, 7> kDays = {
      "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  // Every zone's hours begin at a quarter of an hour of UTC.
  constexpr int64_t kQuarter = int64_t{15} * 60 * 1'000'000;
  const int64_t quarter = now.wall_us / kQuarter;
  if (quarter == quarter_ && facts_.present(FactId::kTimeHour)) return;
  quarter_ = quarter;
  const std::time_t seconds = now.wall_us / 1'000'000;
  std::tm local{};
  if (localtime_r(&seconds, &local) == nullptr) return;
  facts_.SetNumber(FactId::kTimeHour, local.tm_hour);
  facts_.SetText(FactId::kTimeWeekday,
                 kDays[static_cast<size_t>(local.tm_wday)]);
}

void SessionFacts::ClearMessage() {
  facts_.ClearFrom(Stage::kMail);
  content_.Forget();
  rejected_by_mta_ = false;
}

void SessionFacts::SetMacroFacts(Stage stage, const MacroSource& macros,
                                 Missing missing) {
  for (const MacroFact& fact : MacroFactsOf(stage)) {
    const std::string_view value = fact.Value(macros);
    if (!value.empty() && SetValue(*fact.info, value)) {
      SetSent(*fact.info);
    } else if (missing == Missing::kSet) {
      SetMissing(*fact.info);
    }
  }
}

bool SessionFacts::SetValue(const FactInfo& info, std::string_view value) {
  switch (info.type) {
    case FactType::kText:
      SetText(info.id, value);
      return true;
    case FactType::kDomain:
      SetDomain(info.id, value);
      return true;
    case FactType::kMailbox: {
      rules::MailAddress& address = ScratchOfThread().address;
      rules::ParseMailAddress(Clean(value), address);
      facts_.SetText(info.id, address.text);
      return true;
    }
    case FactType::kAddress:
    case FactType::kNetwork: {
      const auto address = ParseMacroAddress(value);
      if (address) facts_.SetAddress(info.id, *address);
      return address.has_value();
    }
    case FactType::kNumber:
    case FactType::kSize:
    case FactType::kDuration: {
      const auto number = ParseNumber(value);
      if (number) facts_.SetNumber(info.id, *number);
      return number.has_value();
    }
    case FactType::kFlag:
      facts_.SetFlag(info.id, true);
      return true;
  }
  return false;
}

void SessionFacts::SetMissing(const FactInfo& info) {
  if (!info.always_sent || !expected_.test(Index(info.id))) {
    return facts_.Clear(info.id);
  }
  facts_.SetUnknown(info.id);
  missing_.set(Index(info.id));
}

void SessionFacts::SetSent(const FactInfo& info) {
  if (info.always_sent) sent_.set(Index(info.id));
}

// Sendmail resolves local users to their names alone (of the domain that was
// typed, then), and the null sender to MAILER-DAEMON.
const rules::MailAddress& SessionFacts::ParseAddress(
    std::string_view typed, std::string_view resolved) const {
  if (typed == "<>" || resolved.empty()) resolved = typed;
  rules::MailAddress& address = ScratchOfThread().address;
  rules::ParseMailAddress(Clean(resolved), address);
  if (address.is_null() || !address.domain.empty()) return address;
  rules::MailAddress& as_typed = ScratchOfThread().typed;
  rules::ParseMailAddress(Clean(typed), as_typed);
  address.domain = as_typed.domain;
  if (address.domain.empty() && facts_.present(FactId::kServerName)) {
    address.domain = facts_.text(FactId::kServerName);
  }
  if (address.domain.empty()) return address;
  address.text = address.local;
  address.text += '@';
  address.text += address.domain;
  return address;
}

void SessionFacts::SetCertificate(const MacroSource& macros) {
  if (IsCertificateVerified(macros)) {
    facts_.SetFlag(FactId::kTlsCertVerified, true);
  }
}

void SessionFacts::SetMailbox(const rules::MailAddress& address, FactId mailbox,
                              FactId local, FactId domain) {
  facts_.SetText(mailbox, address.text);
  if (!address.local.empty()) facts_.SetText(local, address.local);
  if (!address.domain.empty()) facts_.SetText(domain, address.domain);
}

void SessionFacts::SetDomain(FactId id, std::string_view text) {
  std::string& domain = ScratchOfThread().domain;
  rules::NormalizeDomain(Clean(text), domain);
  facts_.SetText(id, domain);
}

void SessionFacts::SetText(FactId id, std::string_view text) {
  facts_.SetText(id, Clean(text));
}

}  // namespace gate::policy
