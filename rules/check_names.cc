#include "rules/check_names.h"

#include <algorithm>
#include <variant>

#include "absl/strings/str_format.h"

namespace gate::rules {
namespace {

constexpr size_t kMaxHeaderName = 200;

std::vector<std::string_view> FactNames() {
  std::vector<std::string_view> names;
  names.reserve(kFactCount);
  for (const FactInfo& info : AllFacts()) names.push_back(info.name);
  return names;
}

template <class Node>
std::vector<std::string_view> NamesOf(const std::vector<const Node*>& nodes) {
  std::vector<std::string_view> names;
  names.reserve(nodes.size());
  for (const Node* node : nodes) names.push_back(node->name.text);
  return names;
}

void ReportDouble(CheckContext& context, std::string_view what,
                  const ast::Name& name, const SourceRange& first) {
  context.diagnostics
      .Error(DiagnosticId::kDuplicateName, name.range,
             absl::StrFormat("there is already a %s `%s`", what, name.text))
      .notes.push_back({first, "the first is here"});
}

// A declared name goes to the symbols even if it is faulty: what refers to it
// shall not be a second report. `first`: the index of one of the same name,
// or -1.
template <class Node>
void Declare(CheckContext& context, std::vector<const Node*>& nodes,
             std::string_view what, const Node& node, int first) {
  if (first >= 0) {
    ReportDouble(context, what, node.name,
                 nodes[static_cast<size_t>(first)]->name.range);
  } else if (FindFact(node.name.text)) {
    context.diagnostics
        .Error(
            DiagnosticId::kNameOfFact, node.name.range,
            absl::StrFormat("%s is the name of a fact", Quoted(node.name.text)))
        .help = absl::StrFormat("give the %s a name of its own", what);
  }
  nodes.push_back(&node);
}

void DeclareLabels(CheckContext& context, const ast::Block& block) {
  for (const ast::Rule& rule : block.rules) {
    if (!rule.label) continue;
    const auto [at, added] =
        context.labels.try_emplace(rule.label->text, &rule);
    if (!added) {
      ReportDouble(context, "rule", *rule.label, at->second->label->range);
    }
  }
}

template <class Node>
void WarnUnused(CheckContext& context, const std::vector<const Node*>& nodes,
                const std::vector<bool>& used, std::string_view what,
                std::string_view help) {
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (used[i]) continue;
    context.diagnostics
        .Warning(DiagnosticId::kUnusedName, nodes[i]->name.range,
                 absl::StrFormat("nothing uses the %s %s", what,
                                 Quoted(nodes[i]->name.text)))
        .help = help;
  }
}

// What else `name` is, for a name that is no fact.
std::string WhatElse(const Symbols& symbols, std::string_view name) {
  if (symbols.FindLet(name) >= 0) {
    return " is a named condition: it holds or not, and has no value";
  }
  if (symbols.FindList(name) >= 0) return " is a list, not a fact";
  if (symbols.FindLimit(name) >= 0) return " is a limit, not a fact";
  return "";
}

void ReportUnknownFact(CheckContext& context, const ast::Name& name) {
  const std::string other = WhatElse(context.symbols, name.text);
  if (!other.empty()) {
    context.diagnostics.Error(DiagnosticId::kUnknownFact, name.range,
                              Quoted(name.text) + other);
    return;
  }
  Diagnostic& fault = ReportUnknown(context, DiagnosticId::kUnknownFact, "fact",
                                    name, FactNames());
  if (fault.help.empty()) fault.help = "`gatemilter facts` lists them";
}

void AddHeader(Symbols& symbols, std::string_view name) {
  if (symbols.FindHeader(name) < 0) symbols.headers.emplace_back(name);
}

bool CheckIndex(CheckContext& context, const ast::FactRef& fact,
                const FactInfo& info) {
  if (info.indexed && !fact.index) {
    context.diagnostics
        .Error(
            DiagnosticId::kMissingIndex, fact.range,
            absl::StrFormat("%s needs the name of a header", Quoted(info.name)))
        .help = absl::StrFormat("`%s[\"Subject\"]`", info.name);
    return false;
  }
  if (!info.indexed && fact.index) {
    context.diagnostics
        .Error(DiagnosticId::kNeedlessIndex, fact.index->range,
               absl::StrFormat("%s is one value: it takes no name in brackets",
                               Quoted(info.name)))
        .help = "only `header[\"Name\"]` and `header.count[\"Name\"]` do";
    return false;
  }
  return !fact.index ||
         CheckHeaderName(context, fact.index->text, fact.index->range);
}

}  // namespace

void CollectNames(CheckContext& context, const ast::Tree& tree) {
  Symbols& symbols = context.symbols;
  for (const ast::Statement& statement : tree.statements) {
    if (const auto* list = std::get_if<ast::List>(&statement)) {
      Declare(context, symbols.lists, "list", *list,
              symbols.FindList(list->name.text));
    } else if (const auto* limit = std::get_if<ast::Limit>(&statement)) {
      Declare(context, symbols.limits, "limit", *limit,
              symbols.FindLimit(limit->name.text));
    } else if (const auto* let = std::get_if<ast::Let>(&statement)) {
      Declare(context, symbols.lets, "named condition", *let,
              symbols.FindLet(let->name.text));
    } else if (const auto* block = std::get_if<ast::Block>(&statement)) {
      DeclareLabels(context, *block);
    }
  }
  context.used_lists.resize(symbols.lists.size());
  context.used_limits.resize(symbols.limits.size());
  context.used_lets.resize(symbols.lets.size());
}

std::optional<FactId> ResolveFact(CheckContext& context, ast::FactRef& fact) {
  const std::optional<FactId> id = FindFact(fact.name.text);
  if (!id) {
    ReportUnknownFact(context, fact.name);
    return std::nullopt;
  }
  if (!CheckIndex(context, fact, Info(*id))) return std::nullopt;
  if (fact.index) AddHeader(context.symbols, fact.index->text);
  fact.resolved = id;
  return id;
}

int ResolveList(CheckContext& context, const ast::Name& name) {
  const int id = context.symbols.FindList(name.text);
  if (id >= 0) {
    context.used_lists[static_cast<size_t>(id)] = true;
    return id;
  }
  Diagnostic& fault = ReportUnknown(context, DiagnosticId::kUnknownList, "list",
                                    name, NamesOf(context.symbols.lists));
  if (fault.help.empty()) {
    fault.help =
        "declare it: `list NAME domains { ... }`, or write the values "
        "in braces";
  }
  return -1;
}

int ResolveLimit(CheckContext& context, const ast::Name& name) {
  const int id = context.symbols.FindLimit(name.text);
  if (id >= 0) {
    context.used_limits[static_cast<size_t>(id)] = true;
    return id;
  }
  ReportUnknown(context, DiagnosticId::kUnknownLimit, "limit", name,
                NamesOf(context.symbols.limits));
  return -1;
}

void ResolveCondition(CheckContext& context, ast::Expr& expr) {
  const Symbols& symbols = context.symbols;
  const ast::Name& name = expr.fact.name;
  const int let = expr.fact.index ? -1 : symbols.FindLet(name.text);
  if (let >= 0) {
    context.used_lets[static_cast<size_t>(let)] = true;
    expr.resolved_let = let;
    return;
  }
  if (FindFact(name.text)) {
    ResolveFact(context, expr.fact);
    return;
  }
  if (symbols.FindLimit(name.text) >= 0) {
    context.diagnostics
        .Error(DiagnosticId::kUnknownCondition, name.range,
               absl::StrFormat("%s is a limit, not a condition",
                               Quoted(name.text)))
        .help = absl::StrFormat("`over %s`", name.text);
    return;
  }
  if (symbols.FindList(name.text) >= 0) {
    context.diagnostics
        .Error(
            DiagnosticId::kUnknownCondition, name.range,
            absl::StrFormat("%s is a list, not a condition", Quoted(name.text)))
        .help = absl::StrFormat("`client.ip in %s`", name.text);
    return;
  }
  std::vector<std::string_view> known = FactNames();
  for (const std::string_view one : NamesOf(symbols.lets)) {
    known.push_back(one);
  }
  ReportUnknown(context, DiagnosticId::kUnknownCondition,
                "fact or named condition", name, known);
}

bool IsHeaderName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxHeaderName &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return c > ' ' && c < 0x7f && c != ':'; });
}

bool CheckHeaderName(CheckContext& context, std::string_view name,
                     const SourceRange& range) {
  if (IsHeaderName(name)) return true;
  context.diagnostics
      .Error(DiagnosticId::kBadHeaderName, range,
             name.empty() ? std::string("a header name is not empty")
                          : absl::StrFormat("`%s` is no header name", name))
      .help = "a header name has printable ASCII without blanks and colons";
  return false;
}

void ReportUnused(CheckContext& context) {
  const Symbols& symbols = context.symbols;
  WarnUnused(context, symbols.lists, context.used_lists, "list", "");
  WarnUnused(context, symbols.limits, context.used_limits, "limit",
             "a limit refuses nothing by itself: a rule asks `over NAME`");
  WarnUnused(context, symbols.lets, context.used_lets, "named condition", "");
}

}  // namespace gate::rules
