// Compiled conditions: what `when` says, made ready to be asked often.
//
// Equal tests are one atom, whichever rules use them, and equal conditions one
// node. Atoms over one subject (a fact, or a header of one name) lie side by
// side, so that a changed value forgets one range; all patterns over one
// subject are one PatternSet, scanned once a value. Nodes are in negation
// normal form: only tests are negated, because a test of an unknown fact is
// false negated or not (design.md section 4).
//
// ProgramBuilder makes it, Matcher runs it. Not for values: MatchState.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "rules/domain_set.h"
#include "rules/facts.h"
#include "rules/list_table.h"
#include "rules/network_set.h"
#include "rules/pattern_set.h"
#include "rules/policy.h"
#include "rules/string_set.h"

namespace gate::rules {

enum class TestKind : uint8_t {
  kPresent,  // no operand
  kEqual,    // operand: of texts, prefixes or numbers, by the type
  kLess,     // operand: of numbers, as the next three
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kInList,   // operand: a ListId
  kInSet,    // operand: of sets
  kPattern,  // operand: a pattern of the subject's set
};

// One test of one subject, not negated.
struct Atom {
  uint32_t subject = 0;
  TestKind test = TestKind::kPresent;
  uint32_t operand = 0;
};

// A fact, or the instances of one header, with the atoms that test it.
struct Subject {
  FactId fact = FactId::kClientIp;
  HeaderId header;
  uint32_t first_atom = 0;
  uint32_t atom_count = 0;
  std::unique_ptr<const PatternSet> patterns;  // null: none
  uint32_t first_hit = 0;                      // of its patterns, in MatchState
};

// The literals of one pair of braces; the member of the fact's type is filled.
struct LiteralSet {
  DomainSet domains;
  NetworkSet networks;
  StringSet strings;
  std::vector<int64_t> numbers;  // ascending
};

struct Node {
  enum class Kind : uint8_t {
    kTest,    // first: an atom
    kOver,    // first: a LimitId
    kBanned,  // first: a BanKeyId
    kAll,     // children [first, first + count): and
    kAny,     // children: or
  };
  Kind kind = Kind::kTest;
  bool negated = false;  // never of kAll and kAny
  bool shared = false;   // a group that more than one node or rule uses
  uint32_t first = 0;
  uint32_t count = 0;
};

// A ConditionId is an index in nodes. Immutable once built.
struct Program {
  std::vector<Subject> subjects;
  std::vector<Atom> atoms;
  std::vector<Node> nodes;
  std::vector<ConditionId> children;
  uint32_t pattern_count = 0;        // of all subjects
  uint32_t max_header_patterns = 0;  // of one header

  std::vector<int64_t> numbers;
  std::vector<std::string> texts;
  std::vector<IpPrefix> prefixes;
  std::vector<LiteralSet> sets;

  const Node& node(ConditionId id) const { return nodes[id.value]; }
  std::span<const ConditionId> Children(const Node& node) const {
    return std::span(children).subspan(node.first, node.count);
  }
};

}  // namespace gate::rules
