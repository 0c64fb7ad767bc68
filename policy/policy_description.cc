#include "policy/policy_description.h"

#include <charconv>

#include "absl/strings/str_format.h"
#include "decision.pb.h"

namespace gate::policy {
namespace {

// Records have 0 for "none" or "unspecified".
template <class Enum>
auto Encode(Enum value) {
  return static_cast<int>(value) + 1;
}

std::optional<uint32_t> DecodeIndex(uint32_t number) {
  if (number == 0) return std::nullopt;
  return number - 1;
}

void Encode(const TestDescription& test, v1::TestDescription& out) {
  out.set_text(test.text);
  if (test.fact) out.set_fact(static_cast<uint32_t>(Encode(*test.fact)));
  if (test.header) out.set_header(*test.header + 1);
  out.set_list_file(test.list_file);
}

TestDescription Decode(const v1::TestDescription& in) {
  TestDescription test{.text = in.text(),
                       .fact = {},
                       .header = DecodeIndex(in.header()),
                       .list_file = in.list_file()};
  if (in.fact() > 0 && in.fact() <= rules::kFactCount) {
    test.fact = static_cast<rules::FactId>(in.fact() - 1);
  }
  return test;
}

void Encode(const RuleDescription& rule, v1::RuleDescription& out) {
  out.set_stage(static_cast<v1::Stage>(Encode(rule.stage)));
  out.set_label(rule.label);
  out.set_action(static_cast<v1::Action>(Encode(rule.action)));
  out.set_shadow(rule.shadow);
  out.set_code(rule.code);
  out.set_enhanced(rule.enhanced);
  out.set_file(rule.file);
  out.set_line(rule.line);
  for (const TestDescription& test : rule.tests) Encode(test, *out.add_tests());
}

// Empty when it is of a newer gatemilter.
std::optional<RuleDescription> Decode(const v1::RuleDescription& in) {
  if (in.stage() < 1 || in.stage() > v1::STAGE_MESSAGE || in.action() < 1 ||
      in.action() > v1::ACTION_BAN) {
    return std::nullopt;
  }
  RuleDescription rule{.stage = static_cast<rules::Stage>(in.stage() - 1),
                       .label = in.label(),
                       .action = static_cast<rules::Action>(in.action() - 1),
                       .shadow = in.shadow(),
                       .code = static_cast<uint16_t>(in.code()),
                       .enhanced = in.enhanced(),
                       .file = in.file(),
                       .line = in.line(),
                       .tests = {}};
  for (const v1::TestDescription& test : in.tests()) {
    rule.tests.push_back(Decode(test));
  }
  return rule;
}

TestDescription DescribeTest(const rules::TestInfo& test,
                             const rules::Policy& policy) {
  TestDescription description{
      .text = test.text, .fact = test.fact, .header = {}, .list_file = {}};
  if (test.fact && rules::Info(*test.fact).indexed) {
    description.header = test.header.value;
  }
  if (test.list) {
    description.list_file = policy.lists()[test.list->value].entries_file();
  }
  return description;
}

RuleDescription DescribeRule(const rules::Rule& rule,
                             const rules::Policy& policy) {
  RuleDescription description{.stage = rule.stage,
                              .label = rule.label,
                              .action = rule.action,
                              .shadow = rule.shadow,
                              .code = rule.code,
                              .enhanced = rule.enhanced,
                              .file = rule.file,
                              .line = rule.line,
                              .tests = {}};
  for (const rules::TestInfo& test : policy.Tests(rule.id)) {
    description.tests.push_back(DescribeTest(test, policy));
  }
  return description;
}

}  // namespace

uint64_t PolicyNumber(const rules::Policy& policy) {
  uint64_t number = 0;
  const std::string& hash = policy.hash();
  std::from_chars(hash.data(), hash.data() + hash.size(), number, 16);
  return number;
}

std::string PolicyHash(uint64_t number) {
  return absl::StrFormat("%016x", number);
}

PolicyDescription Describe(const rules::Policy& policy) {
  PolicyDescription description;
  description.number = PolicyNumber(policy);
  description.journal_privacy = policy.settings().journal_privacy;
  for (const rules::Rule& rule : policy.rules()) {
    description.rules.push_back(DescribeRule(rule, policy));
  }
  for (const rules::Limit& limit : policy.limits()) {
    description.limits.push_back(limit.name);
  }
  for (const rules::BanKey& key : policy.ban_keys()) {
    description.ban_keys.push_back(key.name);
  }
  const auto headers = policy.header_names();
  description.headers.assign(headers.begin(), headers.end());
  return description;
}

std::string Serialize(const PolicyDescription& description) {
  v1::PolicyDescription out;
  out.set_number(description.number);
  for (const RuleDescription& rule : description.rules) {
    Encode(rule, *out.add_rules());
  }
  for (const std::string& name : description.limits) out.add_limits(name);
  for (const std::string& name : description.ban_keys) out.add_ban_keys(name);
  for (const std::string& name : description.headers) out.add_headers(name);
  return out.SerializeAsString();
}

std::optional<PolicyDescription> ParsePolicyDescription(
    std::string_view bytes) {
  v1::PolicyDescription in;
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return std::nullopt;
  }
  PolicyDescription description{
      .number = in.number(),
      .journal_privacy = false,
      .rules = {},
      .limits = {in.limits().begin(), in.limits().end()},
      .ban_keys = {in.ban_keys().begin(), in.ban_keys().end()},
      .headers = {in.headers().begin(), in.headers().end()}};
  for (const v1::RuleDescription& rule : in.rules()) {
    auto decoded = Decode(rule);
    if (!decoded) return std::nullopt;
    description.rules.push_back(*std::move(decoded));
  }
  return description;
}

}  // namespace gate::policy
