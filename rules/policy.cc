#include "rules/policy.h"

#include <cassert>
#include <utility>

#include "rules/ascii.h"
#include "rules/matcher.h"
#include "rules/policy_parts.h"

namespace gate::rules {

std::string_view UnitName(Unit unit) {
  switch (unit) {
    case Unit::kConnections:
      return "connections";
    case Unit::kMessages:
      return "messages";
    case Unit::kRecipients:
      return "recipients";
    case Unit::kBytes:
      return "bytes";
    case Unit::kRejections:
      return "rejections";
  }
  return {};
}

std::string_view ActionName(Action action) {
  switch (action) {
    case Action::kAccept:
      return "accept";
    case Action::kReject:
      return "reject";
    case Action::kDefer:
      return "defer";
    case Action::kDiscard:
      return "discard";
    case Action::kQuarantine:
      return "quarantine";
    case Action::kAddHeader:
      return "add header";
    case Action::kSetHeader:
      return "set header";
    case Action::kRemoveHeader:
      return "remove header";
    case Action::kLog:
      return "log";
    case Action::kBan:
      return "ban";
  }
  return {};
}

bool Decides(Action action) { return action <= Action::kQuarantine; }

Policy::Policy(Parts parts)
    : parts_(std::make_unique<const Parts>(std::move(parts))) {}

Policy::~Policy() = default;

const Settings& Policy::settings() const { return parts_->settings; }

const Needs& Policy::needs() const { return parts_->needs; }

std::span<const Rule> Policy::rules() const { return parts_->rules; }

std::span<const Rule> Policy::rules(Stage stage) const {
  const auto index = static_cast<size_t>(stage);
  const uint32_t begin = parts_->stage_begin[index];
  const uint32_t end = parts_->stage_begin[index + 1];
  return rules().subspan(begin, end - begin);
}

const Rule& Policy::rule(RuleId id) const { return parts_->rules[id.value]; }

std::span<const Limit> Policy::limits() const { return parts_->limits; }

std::span<const BanKey> Policy::ban_keys() const { return parts_->ban_keys; }

const StagePlan& Policy::plan(Stage stage) const {
  return parts_->plans[static_cast<size_t>(stage)];
}

std::span<const std::string> Policy::header_names() const {
  return parts_->header_names;
}

std::optional<HeaderId> Policy::FindHeader(std::string_view name) const {
  for (uint32_t i = 0; i < parts_->header_names.size(); ++i) {
    if (EqualFolded(parts_->header_names[i], name)) return HeaderId{i};
  }
  return std::nullopt;
}

std::span<const std::string> Policy::edited_headers() const {
  return parts_->edited_headers;
}

std::span<const std::string> Policy::added_headers() const {
  return parts_->added_headers;
}

std::span<const ListInfo> Policy::lists() const { return parts_->lists; }

const std::shared_ptr<const ListTable>& Policy::list_contents() const {
  return parts_->list_contents;
}

std::span<const ast::Test> Policy::tests() const { return parts_->tests; }

const std::string& Policy::hash() const { return parts_->hash; }

Truth Policy::Holds(RuleId rule, const MatchInput& input,
                    MatchState& state) const {
  const std::optional<ConditionId> condition = this->rule(rule).condition;
  if (!condition) return Truth::kTrue;
  return Matcher(parts_->program, input, state, Truth::kNeedsStore)
      .Evaluate(*condition);
}

bool Policy::Applies(LimitId limit, const MatchInput& input,
                     MatchState& state) const {
  const std::optional<ConditionId> when = parts_->limits[limit.value].when;
  if (!when) return true;
  // The checker refuses `over` and `banned` in a limit's `when`.
  return Matcher(parts_->program, input, state, Truth::kFalse)
             .Evaluate(*when) == Truth::kTrue;
}

bool Policy::HoldsWithoutStore(RuleId rule, const MatchInput& input,
                               MatchState& state) const {
  const std::optional<ConditionId> condition = this->rule(rule).condition;
  if (!condition) return true;
  const MatchInput unasked = {input.facts, input.lists, {}};
  return Matcher(parts_->program, unasked, state, Truth::kFalse)
             .Evaluate(*condition) == Truth::kTrue;
}

bool Policy::Reads(RuleId rule, FactId fact) const {
  return parts_->rule_facts[rule.value].test(static_cast<size_t>(fact));
}

}  // namespace gate::rules
