#include "rules/rule_facts.h"

#include <optional>

namespace gate::rules {
namespace {

size_t Index(FactId fact) { return static_cast<size_t>(fact); }

class Collector {
 public:
  explicit Collector(const Policy::Parts& parts)
      : parts_(parts), of_nodes_(parts.program.nodes.size()) {}

  FactBits OfRule(const Rule& rule) {
    FactBits facts;
    if (rule.condition) facts |= OfNode(*rule.condition);
    for (const TextTemplate::Piece& piece : rule.text.pieces()) {
      if (piece.field == TextTemplate::Field::kFact)
        facts.set(Index(piece.fact));
    }
    if (rule.ban_key) facts.set(Index(BannedFact(rule.ban_key->value)));
    return WithSources(facts);
  }

 private:
  // Each node once: lets that use lets twice would cost 2^depth.
  const FactBits& OfNode(ConditionId id) {
    std::optional<FactBits>& known = of_nodes_[id.value];
    if (!known) known = Collect(parts_.program.node(id));
    return *known;
  }

  FactBits Collect(const Node& node) {
    const Program& program = parts_.program;
    FactBits facts;
    switch (node.kind) {
      case Node::Kind::kTest: {
        const Atom& atom = program.atoms[node.first];
        facts.set(Index(program.subjects[atom.subject].fact));
        break;
      }
      case Node::Kind::kOver:
        facts = OfLimit(parts_.limits[node.first]);
        break;
      case Node::Kind::kBanned:
        facts.set(Index(BannedFact(node.first)));
        break;
      case Node::Kind::kAll:
      case Node::Kind::kAny:
        for (const ConditionId child : program.Children(node))
          facts |= OfNode(child);
        break;
    }
    return facts;
  }

  FactBits OfLimit(const Limit& limit) {
    FactBits facts;
    if (limit.when) facts |= OfNode(*limit.when);
    for (const KeyPart& key : limit.keys) facts.set(Index(key.fact));
    return facts;
  }

  FactId BannedFact(uint32_t key) const {
    return parts_.ban_keys[key].key.fact;
  }

  const Policy::Parts& parts_;
  std::vector<std::optional<FactBits>> of_nodes_;
};

}  // namespace

FactBits WithSources(FactBits facts) {
  for (const FactId made : {FactId::kSender, FactId::kSenderDomain,
                            FactId::kRcpt, FactId::kRcptDomain}) {
    if (facts.test(Index(made))) facts.set(Index(FactId::kServerName));
  }
  if (facts.test(Index(FactId::kRcptRejected)))
    facts.set(Index(FactId::kRcptMailer));
  return facts;
}

std::vector<FactBits> FactsOfRules(const Policy::Parts& parts) {
  Collector collector(parts);
  std::vector<FactBits> facts;
  facts.reserve(parts.rules.size());
  for (const Rule& rule : parts.rules) facts.push_back(collector.OfRule(rule));
  return facts;
}

}  // namespace gate::rules
