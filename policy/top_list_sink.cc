#include "policy/top_list_sink.h"

namespace gate::policy {
namespace {

using rules::FactId;

std::string_view TextOf(const rules::FactSet& facts, FactId id) {
  return facts.present(id) ? facts.text(id) : std::string_view();
}

std::string_view LabelOf(const DecisionRecord& record,
                         const PolicyPointer& policy) {
  if (!record.rule || !policy || record.rule->value >= policy->rules.size()) {
    return {};
  }
  return policy->rules[record.rule->value].label;
}

}  // namespace

void TopListSink::Take(const DecisionRecord& record,
                       const PolicyPointer& policy, std::string_view) {
  if (record.action == rules::Action::kAccept || record.repeat ||
      !record.given) {
    return;
  }
  const rules::FactSet& facts = record.facts;
  network_.clear();
  if (facts.present(FactId::kClientNetwork)) {
    facts.prefix(FactId::kClientNetwork).AppendTo(network_);
  }
  TopKeys keys;
  keys[static_cast<size_t>(TopKind::kClient)] = network_;
  keys[static_cast<size_t>(TopKind::kSender)] =
      TextOf(facts, FactId::kSenderDomain);
  keys[static_cast<size_t>(TopKind::kRcpt)] =
      TextOf(facts, FactId::kRcptDomain);
  keys[static_cast<size_t>(TopKind::kUser)] = TextOf(facts, FactId::kAuthUser);
  keys[static_cast<size_t>(TopKind::kRule)] = LabelOf(record, policy);
  lists_.Add(keys, record.wall_us);
}

}  // namespace gate::policy
