// The first thing that is asked of a text: can its bytes be read at all?
#pragma once

#include "rules/diagnostic.h"
#include "rules/source.h"

namespace gate::rules {

// Whether the text may be lexed: valid UTF-8 without control characters but
// tab and newline. Reports the first place where it is not.
bool CheckCharacters(const Sources& sources, FileId file,
                     Diagnostics& diagnostics);

}  // namespace gate::rules
