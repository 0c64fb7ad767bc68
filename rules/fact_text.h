// The value of a fact, for people who ask why a test came out as it did.
#pragma once

#include <string>
#include <string_view>

#include "rules/fact_set.h"
#include "rules/facts.h"

namespace gate::rules {

// `rcpt.domain = "elsewhere.example"`, `absent`, `unknown (the MTA never sends
// {if_name})`. Texts are quoted, and cut when they are long. `header` and its
// name count for header["X"] and header.count["X"] alone.
std::string FactText(FactId fact, HeaderId header, std::string_view header_name,
                     const FactSet& facts);

}  // namespace gate::rules
