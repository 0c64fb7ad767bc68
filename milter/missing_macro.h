// What an administrator is told of a macro that the MTA never sends: in the
// log, once, and in `stats`. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "policy/event_log.h"
#include "policy/macro_memory.h"
#include "policy/mta_kind.h"
#include "rules/facts.h"
#include "rules/policy.h"

namespace gate::milter {

// The line of main.cf or sendmail.mc that makes this kind of MTA send what the
// fact needs, ready to be pasted: its own list for the stage, and the macros.
// An MTA that does not say its name gets both.
std::string MendingLine(policy::MtaKind mta, const rules::FactInfo& fact);

// A rule as people know it.
struct RuleName {
  rules::Stage stage = rules::Stage::kConnect;
  std::string label;
};

// "inside (connect), outside (mail) and 3 more".
std::string DescribeRules(std::span<const RuleName> rules);

// A fact that rules need and whose macro an MTA never sends.
struct UnknownFactReport {
  std::string fact;             // "server.host"
  std::string macros;           // "{if_name}"; several: any of them would do
  std::string mta;              // "Postfix"
  uint64_t events = 0;          // that found it unknown
  std::vector<RuleName> rules;  // that depend on it
  std::string mend;             // MendingLine
};
UnknownFactReport ReportUnknownFact(const policy::UnknownFact& unknown,
                                    const rules::Policy& policy);

// The log's line: "Postfix never sends {if_name}: server.host is unknown, ..."
std::string DescribeMissingMacro(const policy::EventLog::MissingMacro& missing);

}  // namespace gate::milter
