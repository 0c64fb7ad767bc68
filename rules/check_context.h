// What the checks of one run share: the symbols, the sink, and what has been
// referred to. Check (checker.cc) makes one and passes it to each check_*.cc.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/ast.h"
#include "rules/checker.h"
#include "rules/diagnostic.h"
#include "rules/source.h"

namespace gate::rules {

// Thread-compatible. References outlive the run.
struct CheckContext {
  const Sources& sources;
  Symbols& symbols;
  Diagnostics& diagnostics;

  // By id: something refers to it.
  std::vector<bool> used_lists = {};
  std::vector<bool> used_limits = {};
  std::vector<bool> used_lets = {};
  std::map<std::string_view, const ast::Rule*> labels = {};
  // Rules that ban, and facts that conditions ask `banned` of.
  std::vector<const ast::Action*> bans = {};
  std::vector<const ast::FactRef*> asked_bans = {};
  std::vector<const ast::Set*> sockets = {};     // every `set socket`
  std::vector<std::string_view> listeners = {};  // the names of those that
                                                 // have one
};

// "`name`".
std::string Quoted(std::string_view name);

// "unknown `what` `name`" at the name, with the nearest of `known` as help or,
// when none is near and they are few, all of them.
Diagnostic& ReportUnknown(CheckContext& context, DiagnosticId id,
                          std::string_view what, const ast::Name& name,
                          std::span<const std::string_view> known);

}  // namespace gate::rules
