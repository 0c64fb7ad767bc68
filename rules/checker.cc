#include "rules/checker.h"

#include <algorithm>
#include <variant>

#include "absl/strings/match.h"
#include "rules/check_context.h"
#include "rules/check_expectations.h"
#include "rules/check_expression.h"
#include "rules/check_keys.h"
#include "rules/check_lets.h"
#include "rules/check_limits.h"
#include "rules/check_lists.h"
#include "rules/check_names.h"
#include "rules/check_reach.h"
#include "rules/check_recipient.h"
#include "rules/check_rules.h"
#include "rules/check_settings.h"
#include "rules/check_steps.h"

namespace gate::rules {
namespace {

// Names and types of everything; no stage.
void CheckMeaning(CheckContext& context, ast::Tree& tree) {
  for (ast::Statement& statement : tree.statements) {
    if (auto* let = std::get_if<ast::Let>(&statement)) {
      if (let->condition) CheckExpression(context, *let->condition);
    } else if (auto* list = std::get_if<ast::List>(&statement)) {
      CheckList(context, *list);
    } else if (auto* limit = std::get_if<ast::Limit>(&statement)) {
      CheckLimit(context, *limit);
    } else if (auto* block = std::get_if<ast::Block>(&statement)) {
      CheckBlock(context, *block);
      for (ast::Rule& rule : block->rules) {
        if (rule.when) CheckExpression(context, *rule.when);
      }
    }
  }
}

// What depends on where something stands. Requires: lets are summarised.
void CheckPlaces(CheckContext& context, ast::Tree& tree) {
  for (ast::Statement& statement : tree.statements) {
    if (auto* limit = std::get_if<ast::Limit>(&statement)) {
      CheckLimitStages(context, *limit);
    } else if (auto* block = std::get_if<ast::Block>(&statement)) {
      CheckRules(context, *block);
    } else if (auto* test = std::get_if<ast::Test>(&statement)) {
      CheckSteps(*test, context.diagnostics);
      CheckExpectations(context, *test);
    }
  }
}

void Warn(CheckContext& context, const ast::Tree& tree) {
  ReportUnreachable(context, tree);
  ReportStrangers(context, tree);
  ReportLastRecipient(context, tree);
  ReportBans(context);
  ReportUnused(context);
}

template <class Node>
int FindByName(const std::vector<const Node*>& nodes, std::string_view name) {
  const auto found =
      std::find_if(nodes.begin(), nodes.end(),
                   [&](const Node* node) { return node->name.text == name; });
  return found == nodes.end() ? -1 : static_cast<int>(found - nodes.begin());
}

absl::string_view Absl(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

Symbols Check(const Sources& sources, ast::Tree& tree,
              Diagnostics& diagnostics) {
  Symbols symbols;
  CheckContext context{sources, symbols, diagnostics};
  CollectNames(context, tree);
  CheckSettings(context, tree);
  CheckMeaning(context, tree);
  SummarizeLets(symbols, OrderLets(context, tree));
  CheckPlaces(context, tree);
  // A name that is misspelt elsewhere would seem unused.
  if (!diagnostics.has_errors()) Warn(context, tree);
  return symbols;
}

Stage UnitStage(Unit unit) {
  switch (unit) {
    case Unit::kConnections:
      return Stage::kConnect;
    case Unit::kMessages:
    case Unit::kBytes:
      return Stage::kMail;
    case Unit::kRecipients:
      return Stage::kRcpt;
    case Unit::kRejections:
      break;
  }
  return Stage::kMessage;
}

int Symbols::FindList(std::string_view name) const {
  return FindByName(lists, name);
}

int Symbols::FindLimit(std::string_view name) const {
  return FindByName(limits, name);
}

int Symbols::FindLet(std::string_view name) const {
  return FindByName(lets, name);
}

int Symbols::FindHeader(std::string_view name) const {
  const auto found = std::find_if(
      headers.begin(), headers.end(), [&](const std::string& header) {
        return absl::EqualsIgnoreCase(header, Absl(name));
      });
  return found == headers.end() ? -1
                                : static_cast<int>(found - headers.begin());
}

}  // namespace gate::rules
