#include "rules/program_builder.h"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_format.h"

namespace gate::rules {
namespace {

// The place of `value` behind those of `table`.
template <class T>
uint32_t Append(std::vector<T>& table, T value) {
  table.push_back(std::move(value));
  return static_cast<uint32_t>(table.size() - 1);
}

}  // namespace

ConditionId ProgramBuilder::AddTest(FactId fact, HeaderId header, TestKind test,
                                    Operand operand, bool negated) {
  const uint32_t subject = InternSubject(fact, header);
  const std::string key = absl::StrFormat(
      "%u %u %s", subject, static_cast<unsigned>(test), operand.key);
  const auto [it, is_new] = atoms_.try_emplace(key, 0);
  if (is_new) {
    const uint32_t stored = StoreOperand(subject, std::move(operand));
    it->second = Append(program_.atoms,
                        {.subject = subject, .test = test, .operand = stored});
  }
  return InternNode(
      {.kind = Node::Kind::kTest, .negated = negated, .first = it->second}, {});
}

ConditionId ProgramBuilder::AddOver(LimitId limit, bool negated) {
  return InternNode(
      {.kind = Node::Kind::kOver, .negated = negated, .first = limit.value},
      {});
}

ConditionId ProgramBuilder::AddBanned(BanKeyId key, bool negated) {
  return InternNode(
      {.kind = Node::Kind::kBanned, .negated = negated, .first = key.value},
      {});
}

ConditionId ProgramBuilder::AddGroup(Node::Kind kind,
                                     std::span<const ConditionId> children) {
  std::vector<ConditionId> unique;
  absl::flat_hash_set<uint32_t> seen;
  for (ConditionId child : children) {
    if (seen.insert(child.value).second) unique.push_back(child);
  }
  assert(!unique.empty());
  if (unique.size() == 1) return unique[0];
  return InternNode({.kind = kind}, unique);
}

void ProgramBuilder::MarkShared(ConditionId condition) {
  Node& node = program_.nodes[condition.value];
  node.shared = node.kind == Node::Kind::kAll || node.kind == Node::Kind::kAny;
}

uint32_t ProgramBuilder::InternSubject(FactId fact, HeaderId header) {
  const std::string key =
      absl::StrFormat("%u %u", static_cast<unsigned>(fact), header.value);
  const auto [it, is_new] = subjects_.try_emplace(key, 0);
  if (is_new) {
    Subject subject;
    subject.fact = fact;
    subject.header = header;
    it->second = Append(program_.subjects, std::move(subject));
    patterns_.emplace_back();
  }
  return it->second;
}

uint32_t ProgramBuilder::StoreOperand(uint32_t subject, Operand operand) {
  auto& value = operand.value;
  if (auto* number = std::get_if<int64_t>(&value))
    return Append(program_.numbers, *number);
  if (auto* text = std::get_if<std::string>(&value))
    return Append(program_.texts, std::move(*text));
  if (auto* prefix = std::get_if<IpPrefix>(&value))
    return Append(program_.prefixes, *prefix);
  if (auto* list = std::get_if<ListId>(&value)) return list->value;
  if (auto* set = std::get_if<LiteralSet>(&value))
    return Append(program_.sets, std::move(*set));
  if (auto* pattern = std::get_if<PatternOperand>(&value))
    return StorePattern(subject, *pattern);
  return 0;
}

uint32_t ProgramBuilder::StorePattern(uint32_t subject,
                                      const PatternOperand& operand) {
  Patterns& patterns = patterns_[subject];
  if (patterns.set == nullptr) {
    patterns.set = std::make_unique<PatternSet>();
    patterns.range = operand.range;
  }
  uint32_t index = 0;
  [[maybe_unused]] const auto fault =
      patterns.set->Add(operand.pattern, operand.flags, index);
  assert(!fault);  // the checker has seen it
  return index;
}

ConditionId ProgramBuilder::InternNode(Node node,
                                       std::span<const ConditionId> children) {
  std::string key = absl::StrFormat(
      "%u %d %u", static_cast<unsigned>(node.kind), node.negated, node.first);
  for (ConditionId child : children)
    absl::StrAppendFormat(&key, " %u", child.value);
  const auto [it, is_new] = nodes_.try_emplace(std::move(key), 0);
  if (!is_new) {
    MarkShared({it->second});
    return {it->second};
  }
  if (!children.empty()) {
    node.first = static_cast<uint32_t>(program_.children.size());
    node.count = static_cast<uint32_t>(children.size());
    program_.children.insert(program_.children.end(), children.begin(),
                             children.end());
  }
  it->second = Append(program_.nodes, node);
  return {it->second};
}

Program ProgramBuilder::Finish(Diagnostics& diagnostics) {
  OrderAtoms();
  CompilePatterns(diagnostics);
  return std::move(program_);
}

void ProgramBuilder::OrderAtoms() {
  std::vector<Atom>& atoms = program_.atoms;
  std::vector<uint32_t> order(atoms.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return atoms[a].subject < atoms[b].subject;
  });
  std::vector<Atom> ordered;
  std::vector<uint32_t> place(atoms.size());
  for (uint32_t old : order) {
    Subject& subject = program_.subjects[atoms[old].subject];
    place[old] = Append(ordered, atoms[old]);
    if (subject.atom_count == 0) subject.first_atom = place[old];
    ++subject.atom_count;
  }
  atoms = std::move(ordered);
  for (Node& node : program_.nodes) {
    if (node.kind == Node::Kind::kTest) node.first = place[node.first];
  }
}

void ProgramBuilder::CompilePatterns(Diagnostics& diagnostics) {
  for (size_t i = 0; i < patterns_.size(); ++i) {
    if (patterns_[i].set == nullptr) continue;
    const std::string fault = patterns_[i].set->Compile();
    if (!fault.empty()) {
      diagnostics.Error(
          DiagnosticId::kPolicyTooLarge, patterns_[i].range,
          absl::StrFormat("the patterns over `%s` do not fit: %s",
                          Info(program_.subjects[i].fact).name, fault));
    }
    Subject& subject = program_.subjects[i];
    const auto count = static_cast<uint32_t>(patterns_[i].set->size());
    subject.patterns = std::move(patterns_[i].set);
    subject.first_hit = program_.pattern_count;
    program_.pattern_count += count;
    if (subject.fact == FactId::kHeader)
      program_.max_header_patterns =
          std::max(program_.max_header_patterns, count);
  }
}

}  // namespace gate::rules
