// Runs a Program over the facts of one session: lazily, remembering each
// test's answer in MatchState until its fact changes.
#pragma once

#include <cstdint>
#include <string_view>

#include "rules/policy.h"
#include "rules/program.h"

namespace gate::rules {

// Lives for one condition, on the stack. Allocates only while `state` grows
// to the program's size.
class Matcher {
 public:
  // What `over` and `banned` are where the store view has no answer.
  Matcher(const Program& program, const MatchInput& input, MatchState& state,
          Truth unanswered);

  // In Kleene's logic: kNeedsStore where false and true are both possible.
  Truth Evaluate(ConditionId condition);
  // The line of the list's entry that the fact of a test was found in; 0: it
  // was in none, or the condition is no test of a list.
  uint32_t EntryLine(ConditionId condition) const;

 private:
  // kUnknown: of an unknown fact, and so false negated or not.
  enum class Answer : uint8_t { kNone, kFalse, kTrue, kUnknown };

  Truth EvaluateGroup(ConditionId condition);
  Answer Ask(uint32_t atom_index);
  void ForgetChanged(uint32_t subject_index);
  Answer Test(const Atom& atom);
  bool TestHeaders(const Subject& subject, const Atom& atom);
  bool TestText(const Atom& atom, std::string_view text) const;
  bool TestNumber(const Atom& atom, int64_t number) const;
  bool TestPrefix(const Atom& atom, const IpPrefix& prefix) const;
  bool TestPattern(const Atom& atom);
  void ScanPatterns(const Subject& subject, std::span<uint8_t> hits);

  const Program& program_;
  const MatchInput& input_;
  MatchState& state_;
  const Truth unanswered_;
};

}  // namespace gate::rules
