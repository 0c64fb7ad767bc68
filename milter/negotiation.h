// What to ask of an MTA for a policy: steps and actions (protocol.h;
// docs/xxfi_negotiate.html of sendmail). Pure, the same for all doors.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "milter/protocol.h"
#include "rules/policy.h"

namespace gate::milter {

// Never more than is offered, never more than is needed.
Features Choose(const rules::Needs& needs, const Features& offered);

// Needed, but not offered: actions, and the steps (kStepNoData,
// kStepRejectedRecipients) of events that do not come.
Features Missing(const rules::Needs& needs, const Features& offered);
// What each of them costs, as it stands in the log.
std::vector<std::string_view> Losses(const Features& missing);

// For which command an MTA is asked for the macros of a stage.
MacroPlace PlaceOf(rules::Stage stage);

}  // namespace gate::milter
