// Policy::Tests, Weigh and Explain: what the tests of a rule are, what they
// say of an event, and what they saw, for people.
#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "rules/fact_text.h"
#include "rules/matcher.h"
#include "rules/policy.h"
#include "rules/policy_parts.h"

namespace gate::rules {
namespace {

std::string Values(FactId fact, HeaderId header, const Policy& policy,
                   const FactSet& facts) {
  const bool named = Info(fact).indexed;
  return FactText(fact, header,
                  named ? policy.header_names()[header.value] : std::string(),
                  facts);
}

}  // namespace

std::vector<TestInfo> Policy::Tests(RuleId rule) const {
  const Program& program = parts_->program;
  std::vector<TestInfo> tests;
  for (const uint32_t index : parts_->rule_tests[rule.value]) {
    const WrittenTest& written = parts_->written_tests[index];
    const Node& node = program.node(written.node);
    TestInfo& test = tests.emplace_back();
    test.text = written.text;
    if (node.kind == Node::Kind::kTest) {
      const Atom& atom = program.atoms[node.first];
      test.fact = program.subjects[atom.subject].fact;
      test.header = program.subjects[atom.subject].header;
      if (atom.test == TestKind::kInList) test.list = ListId{atom.operand};
    } else if (node.kind == Node::Kind::kBanned) {
      test.fact = ban_keys()[node.first].key.fact;
      test.header = ban_keys()[node.first].key.header;
    }
  }
  return tests;
}

void Policy::Weigh(RuleId rule, const MatchInput& input, MatchState& state,
                   std::vector<Weighed>& out) const {
  out.clear();
  Matcher matcher(parts_->program, input, state, Truth::kNeedsStore);
  const std::vector<uint32_t>& tests = parts_->rule_tests[rule.value];
  const size_t count = std::min(tests.size(), kMaxWeighed);
  for (const uint32_t index : std::span(tests).first(count)) {
    const ConditionId node = parts_->written_tests[index].node;
    out.push_back({matcher.Evaluate(node), matcher.EntryLine(node)});
  }
}

std::vector<ConditionTrace> Policy::Explain(RuleId rule,
                                            const MatchInput& input) const {
  MatchState state;
  Matcher matcher(parts_->program, input, state, Truth::kNeedsStore);
  const std::vector<TestInfo> tests = Tests(rule);
  std::vector<ConditionTrace> traces;
  for (size_t i = 0; i < tests.size(); ++i) {
    const TestInfo& test = tests[i];
    const ConditionId node =
        parts_->written_tests[parts_->rule_tests[rule.value][i]].node;
    ConditionTrace& trace = traces.emplace_back();
    trace.text = test.text;
    trace.truth = matcher.Evaluate(node);
    if (test.fact) {
      trace.values = Values(*test.fact, test.header, *this, input.facts);
    }
    const uint32_t line = matcher.EntryLine(node);
    if (line == 0) continue;
    trace.entry = absl::StrFormat(
        "%s:%d", lists()[test.list->value].entries_file(), line);
  }
  return traces;
}

}  // namespace gate::rules
