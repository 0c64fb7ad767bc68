// The value of a limit's or ban's key as the store knows it: "192.0.2.1",
// "alice". Several facts are joined by NUL, which no fact contains.
#pragma once

#include <span>
#include <string>

#include "rules/fact_set.h"
#include "rules/policy.h"

namespace gate::policy {

// Whether all facts of the key are present. An empty text is none: the null
// sender is no key (design.md section 4).
bool HasKey(std::span<const rules::KeyPart> key, const rules::FactSet& facts);

// Puts the key's value into `out`, reusing its memory; empty for no facts.
// Requires: HasKey.
void RenderKey(std::span<const rules::KeyPart> key, const rules::FactSet& facts,
               std::string& out);

}  // namespace gate::policy
