#include "rules/check_rules.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/str_format.h"
#include "rules/check_keys.h"
#include "rules/check_lets.h"
#include "rules/check_names.h"
#include "rules/check_reply.h"
#include "rules/check_stages.h"
#include "rules/check_text.h"
#include "rules/facts.h"

namespace gate::rules {
namespace {

using Kind = ast::Action::Kind;

constexpr int64_t kMaxBan = int64_t{366} * 24 * 3600 * 1'000'000;
constexpr std::string_view kRuleStands = "the rule stands";

std::string_view ActionWords(Kind kind) {
  static constexpr std::array<std::string_view, 10> kWords = {
      "accept",     "reject",     "defer",         "discard", "quarantine",
      "add header", "set header", "remove header", "log",     "ban"};
  return kWords[static_cast<size_t>(kind)];
}

// The first stage at which the action can be carried out.
Stage FirstStage(Kind kind) {
  switch (kind) {
    case Kind::kDiscard:
    case Kind::kQuarantine:
    case Kind::kAddHeader:
    case Kind::kSetHeader:
    case Kind::kRemoveHeader:
      return Stage::kMail;
    default:
      return Stage::kConnect;
  }
}

// One rule, where it stands.
class RuleCheck {
 public:
  RuleCheck(CheckContext& context, Stage stage, ast::Rule& rule)
      : context_(context),
        place_{.stage = stage, .what = kRuleStands},
        rule_(rule) {}

  void Run() {
    if (rule_.when) CheckStages(context_, *rule_.when, place_);
    ast::Action& action = rule_.action;
    CheckActionStage(action);
    switch (action.kind) {
      case Kind::kAccept:
        return CheckScope(action);
      case Kind::kReject:
      case Kind::kDefer:
        CheckReply(context_, action);
        return CheckTextOf(action, TextUse::kReply);
      case Kind::kAddHeader:
      case Kind::kSetHeader:
      case Kind::kRemoveHeader:
        if (action.header) {
          CheckHeaderName(context_, action.header->text, action.header->range);
        }
        return CheckTextOf(action, TextUse::kHeaderValue);
      case Kind::kDiscard:
      case Kind::kQuarantine:
      case Kind::kLog:
        return CheckTextOf(action, TextUse::kNote);
      case Kind::kBan:
        return CheckBan(action);
    }
  }

 private:
  // discard is a verdict of mail, data, headers and message alone: a
  // recipient cannot vanish while the others stay.
  void CheckActionStage(const ast::Action& action) {
    const bool at_rcpt =
        action.kind == Kind::kDiscard && place_.stage == Stage::kRcpt;
    if (place_.stage >= FirstStage(action.kind) && !at_rcpt) return;
    Diagnostic& fault = context_.diagnostics.Error(
        DiagnosticId::kActionAtWrongStage, action.range,
        absl::StrFormat("`%s` cannot be done at %s", ActionWords(action.kind),
                        StageName(place_.stage)));
    if (at_rcpt) {
      fault.help =
          "`discard` is for whole messages: mail, data, headers or "
          "message";
    } else {
      fault.help =
          "there is no message yet: move it to `at mail { ... }` or "
          "later";
    }
  }

  void CheckScope(const ast::Action& action) {
    if (!action.scope || action.scope->text != "message") return;
    if (place_.stage >= Stage::kMail) return;
    context_.diagnostics
        .Error(DiagnosticId::kActionAtWrongStage, action.range,
               absl::StrFormat("there is no message at %s",
                               StageName(place_.stage)))
        .help = "`accept connection`, or a rule at mail or later";
  }

  void CheckTextOf(ast::Action& action, TextUse use) {
    if (!action.text) return;
    const bool has_over =
        rule_.when && Summarize(*rule_.when, context_.symbols).asks_over;
    CheckText(context_, *action.text,
              {.stage = place_, .use = use, .has_over = has_over});
  }

  void CheckBan(ast::Action& action) {
    if (action.ban_time && action.ban_time->number > kMaxBan) {
      context_.diagnostics
          .Error(DiagnosticId::kBadBanTime, action.ban_time->range,
                 "a ban lasts at most 366 days")
          .help = "who shall never come back belongs into a list";
    }
    if (!ResolveFact(context_, action.ban_key)) return;
    if (!CheckKeyFact(context_, action.ban_key)) return;
    CheckKeyPrefix(context_, action.ban_key, action.ban_prefix);
    if (CheckFactStage(context_, action.ban_key, place_)) {
      context_.bans.push_back(&action);
    }
  }

  CheckContext& context_;
  StagePlace place_;
  ast::Rule& rule_;
};

}  // namespace

void CheckBlock(CheckContext& context, const ast::Block& block) {
  if (FindStage(block.stage.text)) return;
  std::array<std::string_view, kStageCount> known;
  for (size_t i = 0; i < kStageCount; ++i) {
    known[i] = StageName(static_cast<Stage>(i));
  }
  ReportUnknown(context, DiagnosticId::kUnknownStage, "stage", block.stage,
                known);
}

void CheckRules(CheckContext& context, ast::Block& block) {
  const std::optional<Stage> stage = FindStage(block.stage.text);
  if (!stage) return;
  for (ast::Rule& rule : block.rules) RuleCheck(context, *stage, rule).Run();
}

bool DecidesStage(Kind kind) {
  return kind == Kind::kAccept || kind == Kind::kReject ||
         kind == Kind::kDefer || kind == Kind::kDiscard ||
         kind == Kind::kQuarantine;
}

}  // namespace gate::rules
