#include "rules/program_builder.h"

#include <gtest/gtest.h>

#include <vector>

#include "rules/operand.h"

namespace gate::rules {
namespace {

Operand Text(const std::string& text) { return {.key = text, .value = text}; }
Operand Pattern(const std::string& pattern) {
  return {
      .key = "/" + pattern,
      .value = PatternOperand{.pattern = pattern, .flags = "", .range = {}}};
}

class ProgramBuilderTest : public testing::Test {
 protected:
  ConditionId Equal(FactId fact, const char* text, bool negated = false) {
    return builder_.AddTest(fact, {}, TestKind::kEqual, Text(text), negated);
  }
  ConditionId Matches(FactId fact, const char* pattern) {
    return builder_.AddTest(fact, {}, TestKind::kPattern, Pattern(pattern),
                            /*negated=*/false);
  }
  Program Finish() {
    Diagnostics diagnostics;
    Program program = builder_.Finish(diagnostics);
    EXPECT_FALSE(diagnostics.has_errors());
    return program;
  }

  ProgramBuilder builder_;
};

TEST_F(ProgramBuilderTest, EqualTestsAreOneAtomWhateverTheirSign) {
  const ConditionId positive = Equal(FactId::kHelo, "a");
  EXPECT_EQ(Equal(FactId::kHelo, "a"), positive);
  const ConditionId negative = Equal(FactId::kHelo, "a", /*negated=*/true);
  EXPECT_NE(negative, positive);
  Equal(FactId::kHelo, "b");
  Equal(FactId::kDaemon, "a");
  const Program program = Finish();
  EXPECT_EQ(program.atoms.size(), 3);
  EXPECT_EQ(program.node(positive).first, program.node(negative).first);
}

TEST_F(ProgramBuilderTest, AtomsOfOneSubjectLieSideBySide) {
  std::vector<ConditionId> tests;
  for (const char* text : {"a", "b", "c"}) {
    tests.push_back(Equal(FactId::kHelo, text));
    tests.push_back(Equal(FactId::kDaemon, text));
  }
  const Program program = Finish();
  for (const Subject& subject : program.subjects) {
    EXPECT_EQ(subject.atom_count, 3);
    for (uint32_t i = 0; i < subject.atom_count; ++i) {
      const Atom& atom = program.atoms[subject.first_atom + i];
      EXPECT_EQ(program.subjects[atom.subject].fact, subject.fact);
    }
  }
  const Atom& last = program.atoms[program.node(tests[4]).first];
  EXPECT_EQ(program.subjects[last.subject].fact, FactId::kHelo);
  EXPECT_EQ(program.texts[last.operand], "c");
}

TEST_F(ProgramBuilderTest, PatternsOfOneSubjectAreOneSet) {
  Matches(FactId::kHelo, "a");
  Matches(FactId::kHelo, "b");
  Matches(FactId::kDaemon, "a");
  const Program program = Finish();
  EXPECT_EQ(program.subjects[0].patterns->size(), 2);
  EXPECT_EQ(program.subjects[1].patterns->size(), 1);
  EXPECT_EQ(program.subjects[1].first_hit, 2);
  EXPECT_EQ(program.pattern_count, 3);
}

TEST_F(ProgramBuilderTest, EqualGroupsAreOneAndMarkedShared) {
  const ConditionId children[] = {Equal(FactId::kHelo, "a"),
                                  Equal(FactId::kDaemon, "b")};
  const ConditionId all = builder_.AddGroup(Node::Kind::kAll, children);
  EXPECT_NE(builder_.AddGroup(Node::Kind::kAny, children), all);
  EXPECT_EQ(builder_.AddGroup(Node::Kind::kAll, children), all);
  const Program program = Finish();
  EXPECT_TRUE(program.node(all).shared);
  EXPECT_EQ(program.Children(program.node(all)).size(), 2);
}

TEST_F(ProgramBuilderTest, AGroupOfOneConditionIsThatCondition) {
  const ConditionId test = Equal(FactId::kHelo, "a");
  const ConditionId children[] = {test, test};
  EXPECT_EQ(builder_.AddGroup(Node::Kind::kAny, children), test);
}

TEST_F(ProgramBuilderTest, BracesAreEqualWhateverTheirOrder) {
  ast::Literal a;
  a.text = "a";
  ast::Literal b;
  b.text = "b";
  const FactInfo& fact = Info(FactId::kAuthUser);
  const auto add = [&](std::vector<ast::Literal> literals) {
    return builder_.AddTest(fact.id, {}, TestKind::kInSet,
                            SetOperand(fact, literals), /*negated=*/false);
  };
  EXPECT_EQ(add({a, b}), add({b, a}));
  EXPECT_NE(add({a, b}), add({a}));
}

}  // namespace
}  // namespace gate::rules
