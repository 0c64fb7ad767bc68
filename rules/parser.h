// Tokens to tree: recursive descent with one token of look-ahead (style S27).
//
// Reports syntax faults and resyncs at the next label, `}` or statement
// keyword; a tree with faults goes to no later phase.
#pragma once

#include <string_view>

#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/source.h"

namespace gate::rules {

ast::Tree Parse(const Sources& sources, FileId file, Diagnostics& diagnostics);
// One setting without the word `set`, as in `--set 'socket "unix:/x"'`: a tree
// of one statement, none when it is faulty.
ast::Tree ParseSetting(const Sources& sources, FileId file,
                       Diagnostics& diagnostics);
// The steps of one session, as between the braces of `test` (for `ask`).
ast::Test ParseSteps(const Sources& sources, FileId file,
                     Diagnostics& diagnostics);

}  // namespace gate::rules
