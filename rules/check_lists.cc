#include "rules/check_lists.h"

#include <array>
#include <string>

#include "absl/strings/str_format.h"
#include "rules/check_literal.h"
#include "rules/facts.h"

namespace gate::rules {
namespace {

constexpr std::array kTypes = {ListType::kDomains, ListType::kNetworks,
                               ListType::kAddresses, ListType::kStrings,
                               ListType::kPatterns};

bool Holds(ListType list, FactType fact) {
  switch (list) {
    case ListType::kDomains:
      return fact == FactType::kDomain;
    case ListType::kNetworks:
      return fact == FactType::kAddress || fact == FactType::kNetwork;
    case ListType::kAddresses:
      return fact == FactType::kMailbox;
    case ListType::kStrings:
      return fact == FactType::kText || fact == FactType::kDomain;
    case ListType::kPatterns:
      return fact == FactType::kText || fact == FactType::kDomain ||
             fact == FactType::kMailbox;
  }
  return false;
}

std::string_view Family(std::string_view fact) {
  return fact.substr(0, fact.find('.'));
}

// Lists that can hold the fact: "`domains` or `strings`"; empty: none can.
std::string FittingLists(FactType fact) {
  std::string names;
  for (const ListType type : kTypes) {
    if (!Holds(type, fact)) continue;
    names += (names.empty() ? "" : " or ") + Quoted(ListTypeName(type));
  }
  return names;
}

// A fact of the same family (sender, sender.domain) that the list can hold,
// for one that some list can hold.
const FactInfo* FittingFact(FactId fact, ListType list) {
  if (FittingLists(Info(fact).type).empty()) return nullptr;
  for (const FactInfo& info : AllFacts()) {
    if (info.indexed || !Holds(list, info.type)) continue;
    if (Family(info.name) == Family(Info(fact).name)) return &info;
  }
  return nullptr;
}

}  // namespace

std::optional<ListType> FindListType(std::string_view name) {
  for (const ListType type : kTypes) {
    if (ListTypeName(type) == name) return type;
  }
  return std::nullopt;
}

void CheckList(CheckContext& context, const ast::List& list) {
  if (FindListType(list.type.text)) return;
  std::array<std::string_view, kTypes.size()> known;
  for (size_t i = 0; i < known.size(); ++i) known[i] = ListTypeName(kTypes[i]);
  ReportUnknown(context, DiagnosticId::kUnknownListType, "type of list",
                list.type, known);
}

void CheckListFits(CheckContext& context, const ast::Expr& expr) {
  const int id = context.symbols.FindList(expr.list_name.text);
  const ast::List& list = *context.symbols.lists[static_cast<size_t>(id)];
  const std::optional<ListType> type = FindListType(list.type.text);
  const FactInfo& fact = Info(*expr.fact.resolved);
  if (!type || Holds(*type, fact.type)) return;
  Diagnostic& fault = context.diagnostics.Error(
      DiagnosticId::kWrongListType, expr.range,
      absl::StrFormat("%s is %s, %s holds %s", Quoted(FactText(expr.fact)),
                      TypeWithArticle(fact.type), Quoted(list.name.text),
                      ListTypeName(*type)));
  fault.notes.push_back({list.name.range, "the list is here"});
  if (const FactInfo* other = FittingFact(fact.id, *type)) {
    fault.help = absl::StrFormat("`%s%s in %s`", other->name,
                                 expr.negated ? " not" : "", list.name.text);
  } else if (const std::string lists = FittingLists(fact.type);
             !lists.empty()) {
    fault.help = absl::StrFormat("%s needs a list of %s",
                                 Quoted(FactText(expr.fact)), lists);
  }
}

}  // namespace gate::rules
