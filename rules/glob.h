// Globs for people who do not want regular expressions.
#pragma once

#include <string>
#include <string_view>

namespace gate::rules {

// A glob (`*`, `?`, `[a-z]`, `[!a-z]`, a backslash quotes) over a whole text
// as a regular expression of a PatternSet. `*` and `?` match newlines, too; a
// class that is not closed is text. Case: the flags of the pattern.
std::string GlobToRegex(std::string_view glob);

}  // namespace gate::rules
