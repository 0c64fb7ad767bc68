// Keys of limits and bans: which facts have one value per client, user,
// domain, ... to count by.
#pragma once

#include <cstdint>
#include <optional>

#include "rules/ast.h"
#include "rules/check_context.h"

namespace gate::rules {

// Requires: `fact` is resolved. Reports a fact that is no key.
bool CheckKeyFact(CheckContext& context, const ast::FactRef& fact);
// `prefix` bits of an address; reports it on another fact or out of range.
void CheckKeyPrefix(CheckContext& context, const ast::FactRef& fact,
                    std::optional<int64_t> prefix);

// Warns of bans that no condition asks for, and of the reverse. Requires:
// keys are resolved.
void ReportBans(CheckContext& context);

}  // namespace gate::rules
