// `set`: which settings there are, and what values they take.
#pragma once

#include <string_view>
#include <vector>

#include "rules/ast.h"
#include "rules/check_context.h"

namespace gate::rules {

// The names of all settings.
std::vector<std::string_view> SettingKeys();

// Each setting, and that none is set twice.
void CheckSettings(CheckContext& context, const ast::Tree& tree);

}  // namespace gate::rules
