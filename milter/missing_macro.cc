#include "milter/missing_macro.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace gate::milter {
namespace {

using policy::MtaKind;
using rules::FactInfo;
using Macros = std::vector<std::string>;

constexpr size_t kRulesShown = 10;

// Where each MTA keeps its list for a stage, and what is on it (postconf -d of
// Postfix 3.7; cf/m4/cfhead.m4 of Sendmail 8.17).
struct MacroList {
  const char* postfix;
  const char* postfix_default;
  const char* sendmail;
  const char* sendmail_default;
};

// Index: rules::Stage.
constexpr std::array<MacroList, rules::kStageCount> kLists = {{
    {"milter_connect_macros", "j {daemon_name} {daemon_addr} v _",
     "confMILTER_MACROS_CONNECT", "j _ {daemon_name} {if_name} {if_addr}"},
    {"milter_helo_macros",
     "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}",
     "confMILTER_MACROS_HELO",
     "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}"},
    {"milter_mail_macros",
     "i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} "
     "{mail_mailer}",
     "confMILTER_MACROS_ENVFROM",
     "i {auth_type} {auth_authen} {auth_ssf} {auth_author} {mail_mailer} "
     "{mail_host} {mail_addr}"},
    {"milter_rcpt_macros", "i {rcpt_addr} {rcpt_host} {rcpt_mailer}",
     "confMILTER_MACROS_ENVRCPT", "{rcpt_mailer} {rcpt_host} {rcpt_addr}"},
    {"milter_data_macros", "i", "confMILTER_MACROS_DATA", ""},
    {"milter_end_of_header_macros", "i", "confMILTER_MACROS_EOH", ""},
    {"milter_end_of_data_macros", "i", "confMILTER_MACROS_EOM", "{msg_id}"},
}};

Macros Split(std::string_view names) {
  return absl::StrSplit(absl::string_view(names.data(), names.size()), ' ',
                        absl::SkipEmpty());
}

// Both, each macro once.
Macros Joined(std::string_view list, const Macros& more) {
  Macros all = Split(list);
  for (const std::string& macro : more) {
    if (std::find(all.begin(), all.end(), macro) == all.end()) {
      all.push_back(macro);
    }
  }
  return all;
}

std::string PostfixLine(const FactInfo& fact, const MacroList& list) {
  Macros known;
  for (const std::string& macro : Split(fact.macros)) {
    if (macro != "{if_name}" && macro != "{if_addr}") known.push_back(macro);
  }
  // What Postfix does not know it sends if it is given a value.
  if (known.empty()) {
    return absl::StrCat("main.cf: milter_macro_defaults = ",
                        Split(fact.macros).front(), "=$myhostname");
  }
  return absl::StrFormat(
      "main.cf: %s = %s", list.postfix,
      absl::StrJoin(Joined(list.postfix_default, known), " "));
}

// Quoted twice: m4 takes one pair off where the name is expanded, and the
// commas must outlive that.
std::string SendmailLine(const FactInfo& fact, const MacroList& list) {
  return absl::StrFormat(
      "sendmail.mc: define(`%s', ``%s'')dnl", list.sendmail,
      absl::StrJoin(Joined(list.sendmail_default, Split(fact.macros)), ", "));
}

std::vector<RuleName> RulesThatRead(const rules::Policy& policy,
                                    rules::FactId fact) {
  std::vector<RuleName> names;
  for (const rules::Rule& rule : policy.rules()) {
    if (!policy.Reads(rule.id, fact)) continue;
    names.push_back({.stage = rule.stage, .label = rule.label});
  }
  return names;
}

}  // namespace

std::string MendingLine(MtaKind mta, const FactInfo& fact) {
  const MacroList& list = kLists[static_cast<size_t>(fact.macro_stage)];
  switch (mta) {
    case MtaKind::kPostfix:
      return PostfixLine(fact, list);
    case MtaKind::kSendmail:
      return SendmailLine(fact, list);
    case MtaKind::kOther:
      break;
  }
  return absl::StrCat(PostfixLine(fact, list), "; or ",
                      SendmailLine(fact, list));
}

std::string DescribeRules(std::span<const RuleName> rules) {
  std::string text;
  for (size_t i = 0; i < rules.size() && i < kRulesShown; ++i) {
    absl::StrAppendFormat(&text, "%s%s (%s)", i == 0 ? "" : ", ",
                          rules[i].label, rules::StageName(rules[i].stage));
  }
  if (rules.size() > kRulesShown) {
    absl::StrAppendFormat(&text, " and %d more", rules.size() - kRulesShown);
  }
  return text;
}

UnknownFactReport ReportUnknownFact(const policy::UnknownFact& unknown,
                                    const rules::Policy& policy) {
  const FactInfo& fact = rules::Info(unknown.fact);
  return {.fact = std::string(fact.name),
          .macros = std::string(fact.macros),
          .mta = std::string(policy::MtaKindName(unknown.mta)),
          .events = unknown.events,
          .rules = RulesThatRead(policy, unknown.fact),
          .mend = MendingLine(unknown.mta, fact)};
}

std::string DescribeMissingMacro(
    const policy::EventLog::MissingMacro& missing) {
  const UnknownFactReport report = ReportUnknownFact(
      {.fact = missing.fact, .mta = missing.mta}, missing.policy);
  std::string text = absl::StrFormat(
      "%s never sends %s: %s is unknown, every test of it is false", report.mta,
      report.macros, report.fact);
  if (!report.rules.empty()) {
    absl::StrAppend(&text, "; needed by ", DescribeRules(report.rules));
  }
  absl::StrAppend(&text, "; to mend it, in ", report.mend);
  return text;
}

}  // namespace gate::milter
