// `set state`, `set journal` and `set journal-sample`: what is kept on disk.
#pragma once

#include "rules/ast.h"
#include "rules/check_context.h"

namespace gate::rules {

// "/folder".
void CheckState(CheckContext& context, const ast::Set& set);
// "/folder", then in any order keep DURATION and max SIZE.
void CheckJournal(CheckContext& context, const ast::Set& set);
// 1%, 0.1%, 100%.
void CheckJournalSample(CheckContext& context, const ast::Set& set);
// Each of the two locks its folder.
void CheckFolders(CheckContext& context, const ast::Tree& tree);

}  // namespace gate::rules
