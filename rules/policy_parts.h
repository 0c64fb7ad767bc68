// What a Policy is made of. Only the compiler and policy.cc include this.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "rules/ast.h"
#include "rules/list_table.h"
#include "rules/policy.h"
#include "rules/program.h"

namespace gate::rules {

// One test as it was written, for Explain.
struct WrittenTest {
  std::string text;  // canonical
  ConditionId node;  // of the test itself, as if it stood alone
};

struct Policy::Parts {
  Settings settings;
  Needs needs;
  std::vector<Rule> rules;  // by stage, file order within one
  std::array<uint32_t, kStageCount + 1> stage_begin{};  // in rules
  std::vector<Limit> limits;
  std::vector<BanKey> ban_keys;
  std::array<StagePlan, kStageCount> plans;
  std::vector<std::string> header_names;
  std::vector<std::string> edited_headers;  // sorted
  std::vector<std::string> added_headers;   // sorted
  std::vector<ListInfo> lists;
  std::shared_ptr<const ListTable> list_contents;
  std::vector<ast::Test> tests;
  std::string hash;
  Program program;
  std::vector<WrittenTest> written_tests;
  // Per rule, in written order: indices of written_tests.
  std::vector<std::vector<uint32_t>> rule_tests;
  std::vector<FactBits> rule_facts;  // by RuleId; see rule_facts.h
};

}  // namespace gate::rules
