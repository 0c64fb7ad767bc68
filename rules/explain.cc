// Policy::Tests, Weigh and Explain: what the tests of a rule are, what they
// say of an event, and what they saw, for people.
#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "rules/matcher.h"
#include "rules/policy.h"
#include "rules/policy_parts.h"
#include "rules/source.h"

namespace gate::rules {
namespace {

// Longer values are cut: a trace is read on a terminal.
constexpr size_t kMaxValueBytes = 200;

bool IsText(FactType type) {
  return type == FactType::kText || type == FactType::kDomain ||
         type == FactType::kMailbox;
}

void AppendQuoted(std::string_view text, std::string& out) {
  out += '"';
  const size_t begin = out.size();
  while (!text.empty() && out.size() - begin < kMaxValueBytes) {
    const auto byte = static_cast<unsigned char>(text[0]);
    const size_t size = Utf8CharacterSize(text);
    if (size == 0 || byte < 0x20 || byte == 0x7f) {
      absl::StrAppendFormat(&out, "\\x%02x", byte);
      text.remove_prefix(1);
      continue;
    }
    if (byte == '"' || byte == '\\') out += '\\';
    out += text.substr(0, size);
    text.remove_prefix(size);
  }
  out += text.empty() ? "\"" : "\" ...";
}

std::string FactName(FactId fact, HeaderId header, const Policy& policy) {
  const FactInfo& info = Info(fact);
  if (!info.indexed) return std::string(info.name);
  return absl::StrFormat("%s[\"%s\"]", info.name,
                         policy.header_names()[header.value]);
}

std::string MissingValue(const FactInfo& info, Presence presence) {
  if (presence == Presence::kAbsent) return "absent";
  return absl::StrFormat("unknown (the MTA never sends %s)", info.macros);
}

void AppendHeaders(const FactSet& facts, HeaderId header, std::string& out) {
  for (size_t i = 0; i < facts.header_count(header); ++i) {
    if (i > 0) out += ", ";
    AppendQuoted(facts.header(header, i), out);
  }
}

std::string Values(FactId fact, HeaderId header, const Policy& policy,
                   const FactSet& facts) {
  const FactInfo& info = Info(fact);
  const bool is_header = fact == FactId::kHeader;
  if (is_header && facts.header_count(header) == 0) return "absent";
  if (!info.indexed && !facts.present(fact))
    return MissingValue(info, facts.presence(fact));
  std::string out = FactName(fact, header, policy) + " = ";
  if (is_header) {
    AppendHeaders(facts, header, out);
  } else if (IsText(info.type)) {
    AppendQuoted(facts.text(fact), out);
  } else {
    facts.AppendValue(fact, header, out);
  }
  return out;
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
