// Collects tests and conditions, each kind only once, and numbers them for the
// Matcher. Order of calls: Add...s in any order, children first; Finish last.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "rules/diagnostic.h"
#include "rules/program.h"
#include "rules/source.h"

namespace gate::rules {

struct PatternOperand {
  std::string pattern;
  std::string flags;
  SourceRange range;  // for a set that RE2 finds too large
};

// What a test compares with. `key` is equal exactly for equal operands.
struct Operand {
  std::string key;
  std::variant<std::monostate, int64_t, std::string, IpPrefix, ListId,
               LiteralSet, PatternOperand>
      value;
};

// Thread-compatible; used once.
class ProgramBuilder {
 public:
  ConditionId AddTest(FactId fact, HeaderId header, TestKind test,
                      Operand operand, bool negated);
  ConditionId AddOver(LimitId limit, bool negated);
  ConditionId AddBanned(BanKeyId key, bool negated);
  // kAll or kAny of `children`, of which equal ones count once. Requires: at
  // least one.
  ConditionId AddGroup(Node::Kind kind, std::span<const ConditionId> children);
  // More than one node or rule uses `condition`: the Matcher remembers it.
  void MarkShared(ConditionId condition);

  Program Finish(Diagnostics& diagnostics);

 private:
  struct Patterns {
    std::unique_ptr<PatternSet> set;
    SourceRange range;  // of the first
  };
  uint32_t InternSubject(FactId fact, HeaderId header);
  uint32_t StoreOperand(uint32_t subject, Operand operand);
  uint32_t StorePattern(uint32_t subject, const PatternOperand& operand);
  ConditionId InternNode(Node node, std::span<const ConditionId> children);
  void OrderAtoms();
  void CompilePatterns(Diagnostics& diagnostics);

  Program program_;
  std::vector<Patterns> patterns_;  // per subject
  absl::flat_hash_map<std::string, uint32_t> subjects_;
  absl::flat_hash_map<std::string, uint32_t> atoms_;
  absl::flat_hash_map<std::string, uint32_t> nodes_;
};

}  // namespace gate::rules
