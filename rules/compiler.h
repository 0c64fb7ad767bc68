// Checked tree to Policy. Cannot fail on a checked tree but for limits of
// RE2's memory, which are diagnostics.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/ast.h"
#include "rules/checker.h"
#include "rules/diagnostic.h"
#include "rules/list_table.h"
#include "rules/policy.h"
#include "rules/source.h"

namespace gate::rules {

struct CompileOptions {
  bool shadow = false;  // all rules are shadow (serve --shadow)
  bool live = false;    // none is by mode; goes before `shadow`
  std::string hash;     // becomes Policy::hash()
};

// `lists` and `infos` have one entry per Symbols::lists; entries of
// expressions in braces are compiled here. The tests of the tree move into
// the policy.
std::shared_ptr<const Policy> Compile(const Sources& sources, ast::Tree tree,
                                      const Symbols& symbols,
                                      std::vector<ListInfo> infos,
                                      std::shared_ptr<const ListTable> lists,
                                      const CompileOptions& options,
                                      Diagnostics& diagnostics);

// One entry of a list: a literal of an inline list, or a line of a list file
// (kWord; kRegex for /re/flags). Views into the tree or Sources: a list of a
// million lines must not own a string each.
struct ListEntry {
  ast::Literal::Kind kind = ast::Literal::Kind::kWord;
  std::string_view text;   // kAddress, kNetwork, numbers: as written
  std::string_view flags;  // of kRegex
  SourceRange range;
  uint32_t line = 0;  // of its file
};

// The contents of a list. The one place that validates entries (kinds, too:
// a checker does not look at them). Null, and diagnostics, when one is faulty;
// stops when the diagnostics are full.
std::shared_ptr<const ListContents> BuildList(
    ListType type, std::span<const ListEntry> entries,
    Diagnostics& diagnostics);

}  // namespace gate::rules
