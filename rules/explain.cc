// Policy::Explain: what each test of a rule saw, for people.
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

std::vector<ConditionTrace> Policy::Explain(RuleId rule,
                                            const MatchInput& input) const {
  const Program& program = parts_->program;
  MatchState state;
  std::vector<ConditionTrace> traces;
  for (uint32_t index : parts_->rule_tests[rule.value]) {
    const WrittenTest& test = parts_->written_tests[index];
    const Node& node = program.node(test.node);
    ConditionTrace trace;
    trace.text = test.text;
    trace.truth =
        Matcher(program, input, state, Truth::kNeedsStore).Evaluate(test.node);
    if (node.kind == Node::Kind::kTest) {
      const Subject& subject =
          program.subjects[program.atoms[node.first].subject];
      trace.values = Values(subject.fact, subject.header, *this, input.facts);
    } else if (node.kind == Node::Kind::kBanned) {
      const KeyPart& key = ban_keys()[node.first].key;
      trace.values = Values(key.fact, key.header, *this, input.facts);
    }
    traces.push_back(std::move(trace));
  }
  return traces;
}

}  // namespace gate::rules
