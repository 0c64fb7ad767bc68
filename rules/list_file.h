// List files: one entry a line, `#` comments at the start of a line or behind
// a blank, blanks around entries trimmed, lines may end in CRLF.
#pragma once

#include <string_view>
#include <vector>

#include "rules/compiler.h"
#include "rules/list_table.h"
#include "rules/source.h"

namespace gate::rules {

// Views into the text of `file`. Lines of pattern lists that are written
// `/re/flags` become patterns; what is faulty stays a word, for BuildList to
// report.
std::vector<ListEntry> ReadListFile(const Sources& sources, FileId file,
                                    ListType type);

}  // namespace gate::rules
