#include "rules/compiler.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>
#include <variant>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_format.h"
#include "rules/ascii.h"
#include "rules/condition_compiler.h"
#include "rules/needs.h"
#include "rules/policy_parts.h"
#include "rules/program_builder.h"
#include "rules/rule_facts.h"
#include "rules/settings.h"

namespace gate::rules {
namespace {

// Read by strangers' postmasters: what happened and whether to come back.
constexpr std::string_view kRejectText = "Refused by local policy";
constexpr std::string_view kDeferText =
    "Deferred by local policy, please try again later";

template <class T>
void AppendOnce(std::vector<T>& to, T value) {
  if (std::find(to.begin(), to.end(), value) == to.end()) to.push_back(value);
}

TextTemplate PlainText(std::string_view text) {
  TextTemplate::Piece piece;
  piece.text = text;
  return TextTemplate({std::move(piece)});
}

TextTemplate::Field FieldOf(const ast::FactRef& fact) {
  if (fact.resolved) return TextTemplate::Field::kFact;
  const std::string& name = fact.name.text;
  if (name == "limit.name") return TextTemplate::Field::kLimitName;
  if (name == "limit.used") return TextTemplate::Field::kLimitUsed;
  if (name == "limit.allowed") return TextTemplate::Field::kLimitAllowed;
  return TextTemplate::Field::kLimitRetryAfter;
}

Unit UnitOf(std::string_view name) {
  for (Unit unit :
       {Unit::kMessages, Unit::kRecipients, Unit::kBytes, Unit::kRejections}) {
    if (UnitName(unit) == name) return unit;
  }
  return Unit::kConnections;
}

Outage OutageOf(std::string_view name) {
  if (name == "accept") return Outage::kAccept;
  return name == "defer" ? Outage::kDefer : Outage::kLocal;
}

AcceptScope ScopeOf(const std::optional<ast::Name>& scope) {
  if (!scope) return AcceptScope::kStage;
  return scope->text == "connection" ? AcceptScope::kConnection
                                     : AcceptScope::kMessage;
}

// ast::Action::Kind and Action name the same things in the same order.
Action ActionOf(ast::Action::Kind kind) { return static_cast<Action>(kind); }
static_assert(static_cast<int>(ast::Action::Kind::kQuarantine) ==
                  static_cast<int>(Action::kQuarantine) &&
              static_cast<int>(ast::Action::Kind::kBan) ==
                  static_cast<int>(Action::kBan));

// Used once.
class PolicyCompiler {
 public:
  PolicyCompiler(const Sources& sources, const Symbols& symbols,
                 const CompileOptions& options)
      : sources_(sources),
        symbols_(symbols),
        options_(options),
        conditions_(symbols, builder_, ban_keys_) {}

  Policy::Parts Compile(const ast::Tree& tree, Diagnostics& diagnostics) {
    parts_.settings = CompileSettings(sources_, tree, symbols_);
    parts_.settings.shadow |= options_.shadow;
    if (options_.live) parts_.settings.shadow = false;
    parts_.hash = options_.hash;
    parts_.header_names = symbols_.headers;
    for (const ast::Limit* limit : symbols_.limits) AddLimit(*limit);
    AddRules(tree);
    parts_.program = builder_.Finish(diagnostics);
    parts_.ban_keys = ban_keys_.Take();
    PlanStages();
    CollectEdits();
    parts_.needs = ComputeNeeds(parts_);
    parts_.rule_facts = FactsOfRules(parts_);
    return std::move(parts_);
  }

 private:
  struct StagedRule {
    Stage stage;
    const ast::Rule* rule;
  };

  void AddLimit(const ast::Limit& source);
  void AddRules(const ast::Tree& tree);
  void AddRule(const StagedRule& staged);
  void CompileReply(const ast::Action& action, Rule& rule);
  void CompileCondition(const ast::Expr& when, Rule& rule);
  uint32_t AddWrittenTest(const ast::Expr& test);
  KeyPart Key(const ast::FactRef& fact, std::optional<int64_t> prefix) const;
  TextTemplate Text(const std::optional<ast::Text>& text) const;
  void PlanStages();
  void PlanRule(const Rule& rule);
  void CollectEdits();

  const Sources& sources_;
  const Symbols& symbols_;
  const CompileOptions& options_;
  ProgramBuilder builder_;
  BanKeyTable ban_keys_;
  ConditionCompiler conditions_;
  absl::flat_hash_map<const ast::Expr*, uint32_t> written_tests_;
  Policy::Parts parts_;
};

void PolicyCompiler::AddLimit(const ast::Limit& source) {
  Limit limit;
  limit.id = {static_cast<uint32_t>(parts_.limits.size())};
  limit.name = source.name.text;
  for (const ast::Window& window : source.windows)
    limit.windows.push_back({.amount = window.amount,
                             .period_us = window.period_us,
                             .burst = window.burst.value_or(window.amount)});
  for (const ast::LimitKey& key : source.keys)
    limit.keys.push_back(Key(key.fact, key.prefix));
  if (source.unit) limit.unit = UnitOf(source.unit->text);
  limit.outage =
      source.outage ? OutageOf(source.outage->text) : parts_.settings.outage;
  if (source.when) limit.when = conditions_.Compile(*source.when);
  parts_.limits.push_back(std::move(limit));
}

KeyPart PolicyCompiler::Key(const ast::FactRef& fact,
                            std::optional<int64_t> prefix) const {
  KeyPart part;
  part.fact = *fact.resolved;
  part.header = HeaderOf(fact, symbols_);
  if (prefix) part.prefix = static_cast<uint8_t>(*prefix);
  return part;
}

void PolicyCompiler::AddRules(const ast::Tree& tree) {
  std::vector<StagedRule> staged;
  for (const ast::Statement& statement : tree.statements) {
    const auto* block = std::get_if<ast::Block>(&statement);
    if (block == nullptr) continue;
    const Stage stage = *FindStage(block->stage.text);
    for (const ast::Rule& rule : block->rules) staged.push_back({stage, &rule});
  }
  std::stable_sort(staged.begin(), staged.end(),
                   [](const StagedRule& a, const StagedRule& b) {
                     return a.stage < b.stage;
                   });
  for (const StagedRule& rule : staged) {
    ++parts_.stage_begin[static_cast<size_t>(rule.stage) + 1];
    AddRule(rule);
  }
  for (size_t i = 0; i < kStageCount; ++i)
    parts_.stage_begin[i + 1] += parts_.stage_begin[i];
}

void PolicyCompiler::AddRule(const StagedRule& staged) {
  const ast::Rule& source = *staged.rule;
  const ast::Action& action = source.action;
  const SourceFile& file = sources_.file(source.range.file);
  Rule rule;
  rule.id = {static_cast<uint32_t>(parts_.rules.size())};
  rule.stage = staged.stage;
  rule.file = file.name();
  rule.line = file.Locate(source.range.begin).line;
  rule.label = source.label
                   ? source.label->text
                   : absl::StrFormat("%s:%u", StageName(rule.stage), rule.line);
  rule.shadow = source.shadow || parts_.settings.shadow;
  rule.action = ActionOf(action.kind);
  rule.scope = ScopeOf(action.scope);
  rule.text = Text(action.text);
  CompileReply(action, rule);
  if (action.header) rule.header_name = action.header->text;
  if (rule.action == Action::kBan) {
    const KeyPart part = Key(action.ban_key, action.ban_prefix);
    std::string name = action.ban_key.name.text;
    if (part.prefix) absl::StrAppendFormat(&name, "/%u", *part.prefix);
    rule.ban_key = ban_keys_.Intern(part, std::move(name));
    rule.ban_us = action.ban_time->number;
  }
  parts_.rule_tests.emplace_back();
  if (source.when) CompileCondition(*source.when, rule);
  parts_.rules.push_back(std::move(rule));
}

void PolicyCompiler::CompileReply(const ast::Action& action, Rule& rule) {
  const bool rejects = rule.action == Action::kReject;
  if (rejects || rule.action == Action::kDefer) {
    rule.code = rejects ? 554 : 451;
    rule.enhanced = rejects ? "5.7.1" : "4.7.1";
    if (rule.text.empty())
      rule.text = PlainText(rejects ? kRejectText : kDeferText);
  }
  if (rule.action == Action::kQuarantine && rule.text.empty())
    rule.text = PlainText("Held by rule " + rule.label);
  if (action.code) rule.code = static_cast<uint16_t>(action.code->number);
  if (action.enhanced) rule.enhanced = action.enhanced->text;
}

void PolicyCompiler::CompileCondition(const ast::Expr& when, Rule& rule) {
  rule.condition = conditions_.Compile(when);
  for (const ast::Expr* test : conditions_.Tests(when)) {
    parts_.rule_tests.back().push_back(AddWrittenTest(*test));
    if (test->kind == ast::Expr::Kind::kOver) {
      const int limit = symbols_.FindLimit(test->list_name.text);
      AppendOnce(rule.over, LimitId{static_cast<uint32_t>(limit)});
    }
    rule.asks_store |= test->kind == ast::Expr::Kind::kOver ||
                       test->kind == ast::Expr::Kind::kBanned;
  }
}

uint32_t PolicyCompiler::AddWrittenTest(const ast::Expr& test) {
  const auto [it, is_new] = written_tests_.try_emplace(
      &test, static_cast<uint32_t>(parts_.written_tests.size()));
  if (is_new) {
    parts_.written_tests.push_back(
        {.text = ast::Dump(test), .node = conditions_.Compile(test)});
  }
  return it->second;
}

TextTemplate PolicyCompiler::Text(const std::optional<ast::Text>& text) const {
  if (!text) return {};
  std::vector<TextTemplate::Piece> pieces;
  for (const ast::TextPiece& source : text->pieces) {
    TextTemplate::Piece piece;
    if (source.fact) {
      piece.field = FieldOf(*source.fact);
      piece.fact = source.fact->resolved.value_or(piece.fact);
      piece.header = HeaderOf(*source.fact, symbols_);
    } else {
      piece.text = source.text;
    }
    pieces.push_back(std::move(piece));
  }
  return TextTemplate(std::move(pieces));
}

void PolicyCompiler::PlanStages() {
  for (const Limit& limit : parts_.limits) {
    if (limit.unit == Unit::kRejections) continue;
    parts_.plans[static_cast<size_t>(UnitStage(limit.unit))].charged.push_back(
        limit.id);
  }
  for (const Rule& rule : parts_.rules) PlanRule(rule);
}

void PolicyCompiler::PlanRule(const Rule& rule) {
  StagePlan& plan = parts_.plans[static_cast<size_t>(rule.stage)];
  for (LimitId limit : rule.over) {
    if (parts_.limits[limit.value].unit == Unit::kRejections)
      AppendOnce(plan.peeked, limit);
  }
  for (uint32_t test : parts_.rule_tests[rule.id.value]) {
    const Node& node = parts_.program.node(parts_.written_tests[test].node);
    if (node.kind == Node::Kind::kBanned)
      AppendOnce(plan.banned, BanKeyId{node.first});
  }
}

void PolicyCompiler::CollectEdits() {
  std::set<std::string> edited;
  std::set<std::string> added;
  for (const Rule& rule : parts_.rules) {
    if (rule.shadow || rule.header_name.empty()) continue;
    std::string name = rule.header_name;
    FoldAscii(name);
    edited.insert(name);
    if (rule.action == Action::kAddHeader) added.insert(name);
  }
  parts_.edited_headers.assign(edited.begin(), edited.end());
  parts_.added_headers.assign(added.begin(), added.end());
}

}  // namespace

std::shared_ptr<const Policy> Compile(const Sources& sources, ast::Tree tree,
                                      const Symbols& symbols,
                                      std::vector<ListInfo> infos,
                                      std::shared_ptr<const ListTable> lists,
                                      const CompileOptions& options,
                                      Diagnostics& diagnostics) {
  const size_t faults_before = diagnostics.error_count();
  Policy::Parts parts =
      PolicyCompiler(sources, symbols, options).Compile(tree, diagnostics);
  if (diagnostics.error_count() > faults_before) return nullptr;
  parts.lists = std::move(infos);
  parts.list_contents = std::move(lists);
  for (ast::Statement& statement : tree.statements) {
    if (auto* test = std::get_if<ast::Test>(&statement))
      parts.tests.push_back(std::move(*test));
  }
  return std::make_shared<const Policy>(std::move(parts));
}

}  // namespace gate::rules
