// Arguments of MAIL and RCPT (RFC 1870, 3461, 4954, 6152, 6531) as facts.
#pragma once

#include <span>
#include <string_view>

#include "rules/fact_set.h"

namespace gate::policy {

// Sets the facts that `parameters` ("SIZE=1000", "SMTPUTF8") of a command at
// `stage` (kMail or kRcpt) name; others, and values that are none, are
// passed over. Of one that is given twice the last one counts.
void SetParameters(std::span<const std::string_view> parameters,
                   rules::Stage stage, rules::FactSet& facts);

}  // namespace gate::policy
