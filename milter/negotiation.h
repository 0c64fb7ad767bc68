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

// Needed, but not offered: rules that do it have no effect.
uint32_t MissingActions(const rules::Needs& needs, const Features& offered);
// "add headers", ...
std::vector<std::string_view> ActionNames(uint32_t actions);

// For which command an MTA is asked for the macros of a stage.
MacroPlace PlaceOf(rules::Stage stage);

}  // namespace gate::milter
