// Checked tree to Policy. Cannot fail on a checked tree but for limits of
// RE2's memory, which are diagnostics.
#pragma once

#include <memory>
#include <string>
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
  std::string hash;     // becomes Policy::hash()
};

// `lists` and `infos` have one entry per Symbols::lists; entries of
// expressions in braces are compiled here. The tests of the tree move into
// the policy.
std::shared_ptr<const Policy> Compile(
    const Sources& sources, ast::Tree tree, const Symbols& symbols,
    std::vector<ListInfo> infos, std::shared_ptr<const ListTable> lists,
    const CompileOptions& options, Diagnostics& diagnostics);

// The contents of an inline list, or of a list file's lines (literals of kind
// kWord with their ranges). Null, and diagnostics, when an entry is faulty.
std::shared_ptr<const ListContents> BuildList(
    ListType type, const std::vector<ast::Literal>& entries,
    Diagnostics& diagnostics);

}  // namespace gate::rules
