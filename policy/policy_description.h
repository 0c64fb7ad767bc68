// What records of decisions say by number, in words: of one policy, without
// its conditions and lists, so that it can be kept as long as its records.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/policy.h"

namespace gate::policy {

// A policy as records know it: Policy::hash() as a number.
uint64_t PolicyNumber(const rules::Policy& policy);
std::string PolicyHash(uint64_t number);  // 16 hex digits

struct TestDescription {
  std::string text;  // canonical: rcpt.domain not in our_domains
  std::optional<rules::FactId> fact;
  std::optional<uint32_t> header;  // index in PolicyDescription::headers
  std::string list_file;           // of the entries of its list; empty: no list
};

struct RuleDescription {
  rules::Stage stage = rules::Stage::kConnect;
  std::string label;
  rules::Action action = rules::Action::kAccept;
  bool shadow = false;
  uint16_t code = 0;  // reject, defer
  std::string enhanced;
  std::string file;
  uint32_t line = 0;
  std::vector<TestDescription> tests;

  std::string place() const { return file + ':' + std::to_string(line); }
};

// Immutable once made.
struct PolicyDescription {
  uint64_t number = 0;                 // PolicyNumber
  bool journal_privacy = false;        // the setting; not kept
  std::vector<RuleDescription> rules;  // index = RuleId
  std::vector<std::string> limits;     // index = LimitId
  std::vector<std::string> ban_keys;   // index = BanKeyId
  std::vector<std::string> headers;    // index = HeaderId
};

PolicyDescription Describe(const rules::Policy& policy);

// As a gate.v1.PolicyDescription (proto/decision.proto).
std::string Serialize(const PolicyDescription& description);
// Empty when it is none.
std::optional<PolicyDescription> ParsePolicyDescription(std::string_view bytes);

}  // namespace gate::policy
