// Reads the words of one step of a scenario: ScenarioClient, paths, ranges.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "policy/scenario_mta.h"
#include "rules/ast.h"

namespace gate::policy {

// Missing words are left at their defaults. Requires: a step of that kind.
ScenarioClient ReadClient(const rules::ast::Step& step);
ScenarioTls ReadTls(const rules::ast::Step& step);

// The body; a word with a range means a line for each of its numbers.
std::string ReadBody(const rules::ast::Step& step);

// The word's text, or nothing.
std::string_view Word(const rules::ast::Step& step, size_t index);
// The option's text, or nothing; flags have an empty one.
std::string_view Option(const rules::ast::Step& step, std::string_view name);
bool HasOption(const rules::ast::Step& step, std::string_view name);

// `u{1..200}@example.org` is 200 texts. How many plays the step means: the
// length of its longest range, 1 without any.
size_t CountPlays(const rules::ast::Step& step);
// The words as of play `index`; a range that ends earlier stays at its end.
// Paths have their angle brackets.
std::vector<std::string> WordsOfPlay(const rules::ast::Step& step,
                                     size_t index);

}  // namespace gate::policy
