#include "tests/exact/journal_counts.h"

#include <gtest/gtest.h>

#include <optional>
#include <string_view>
#include <utility>

#include "policy/decision_record.h"
#include "policy/journal_reader.h"
#include "policy/policy_description.h"

namespace gate::exact {
namespace {

class JournalCounter {
 public:
  explicit JournalCounter(const std::string& folder) : reader_(folder) {}

  JournalCounts Count() {
    const auto searched = reader_.Search(
        {}, [this](const policy::RecordKeys&, std::string_view bytes) {
          EXPECT_TRUE(record_.Parse(bytes));
          Add();
          return true;
        });
    EXPECT_TRUE(searched.ok()) << searched.status();
    if (searched.ok()) {
      EXPECT_EQ(searched->damaged_blocks, 0U);
      EXPECT_EQ(searched->cut_blocks, 0U);
    }
    return std::move(kept_);
  }

 private:
  void Add() {
    ++kept_.records;
    for (const policy::RecordedNote& note : record_.notes) {
      ++kept_.held[Name(note.rule)];
    }
    if (record_.rule) {
      ++(record_.repeat ? kept_.repeats : kept_.held)[Name(*record_.rule)];
    }
    if (record_.plain()) ++kept_.plain;
    if (!record_.given) ++kept_.not_given;
  }
  RuleName Name(rules::RuleId id) {
    const policy::RuleDescription& rule = Words().rules.at(id.value);
    return {std::string(rules::StageName(rule.stage)), rule.label,
            std::string(rules::ActionName(rule.action)), rule.shadow};
  }
  // There is one policy.
  const policy::PolicyDescription& Words() {
    if (!words_) {
      const auto bytes = reader_.Policy(record_.policy);
      EXPECT_TRUE(bytes.ok()) << bytes.status();
      words_ = policy::ParsePolicyDescription(*bytes);
    }
    return *words_;
  }

  policy::JournalReader reader_;
  policy::DecisionRecord record_;
  std::optional<policy::PolicyDescription> words_;
  JournalCounts kept_;
};

}  // namespace

JournalCounts CountJournal(const std::string& folder) {
  return JournalCounter(folder).Count();
}

}  // namespace gate::exact
