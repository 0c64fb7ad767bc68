// Limits: windows, keys, unit, `when`.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "rules/ast.h"
#include "rules/check_context.h"
#include "rules/policy.h"

namespace gate::rules {

std::optional<Unit> FindUnit(std::string_view name);
std::optional<Outage> FindOutage(std::string_view name);
// The words of an outage, for messages.
std::span<const std::string_view> OutageNames();

// Names and types.
void CheckLimit(CheckContext& context, ast::Limit& limit);
// Keys and `when` against the unit's event. Requires: CheckLimit, and lets
// without recursion.
void CheckLimitStages(CheckContext& context, const ast::Limit& limit);

}  // namespace gate::rules
