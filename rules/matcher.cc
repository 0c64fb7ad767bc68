#include "rules/matcher.h"

#include <algorithm>
#include <cassert>

namespace gate::rules {
namespace {

Truth ToTruth(bool value) { return value ? Truth::kTrue : Truth::kFalse; }

Truth Negate(Truth truth) {
  if (truth == Truth::kNeedsStore) return truth;
  return ToTruth(truth == Truth::kFalse);
}

// Any header may change both.
uint32_t Generation(const FactSet& facts, FactId fact) {
  return facts.generation(fact == FactId::kHeaderCount ? FactId::kHeader
                                                       : fact);
}

}  // namespace

void MatchState::Reset() {
  answers_.clear();
  generations_.clear();
  scanned_.clear();
  pattern_hits_.clear();
  scratch_hits_.clear();
  group_epochs_.clear();
  group_truths_.clear();
  epoch_ = 0;
}

Matcher::Matcher(const Program& program, const MatchInput& input,
                 MatchState& state, Truth unanswered)
    : program_(program), input_(input), state_(state), unanswered_(unanswered) {
  state_.answers_.resize(program.atoms.size());
  state_.generations_.resize(program.subjects.size());
  state_.scanned_.resize(program.subjects.size());
  state_.pattern_hits_.resize(program.pattern_count);
  state_.scratch_hits_.resize(program.max_header_patterns);
  state_.group_epochs_.resize(program.nodes.size());
  state_.group_truths_.resize(program.nodes.size());
  if (++state_.epoch_ == 0) {
    std::fill(state_.group_epochs_.begin(), state_.group_epochs_.end(), 0U);
    state_.epoch_ = 1;
  }
}

Truth Matcher::Evaluate(ConditionId condition) {
  const Node& node = program_.node(condition);
  Truth truth = unanswered_;
  switch (node.kind) {
    case Node::Kind::kAll:
    case Node::Kind::kAny:
      return EvaluateGroup(condition);
    case Node::Kind::kTest: {
      const Answer answer = Ask(node.first);
      if (answer == Answer::kUnknown) return Truth::kFalse;
      truth = ToTruth(answer == Answer::kTrue);
      break;
    }
    case Node::Kind::kOver:
      if (node.first < input_.store.over.size())
        truth = input_.store.over[node.first];
      break;
    case Node::Kind::kBanned:
      if (node.first < input_.store.banned.size())
        truth = input_.store.banned[node.first];
      break;
  }
  return node.negated ? Negate(truth) : truth;
}

uint32_t Matcher::EntryLine(ConditionId condition) const {
  const Node& node = program_.node(condition);
  if (node.kind != Node::Kind::kTest) return 0;
  const Atom& atom = program_.atoms[node.first];
  if (atom.test != TestKind::kInList) return 0;
  const Subject& subject = program_.subjects[atom.subject];
  const FactInfo& fact = Info(subject.fact);
  const FactSet& facts = input_.facts;
  const ListContents& list = input_.lists.list({atom.operand});
  if (fact.id == FactId::kHeader) {
    for (size_t i = 0; i < facts.header_count(subject.header); ++i) {
      const auto line =
          list.Find(facts.header(subject.header, i), IsFolded(fact));
      if (line) return *line;
    }
    return 0;
  }
  if (!facts.present(fact.id)) return 0;
  const auto line = list.type == ListType::kNetworks
                        ? list.networks.Find(facts.prefix(fact.id))
                        : list.Find(facts.text(fact.id), IsFolded(fact));
  return line.value_or(0);
}

// A shared group is evaluated once a condition: lets that use lets twice
// would otherwise cost 2^depth.
Truth Matcher::EvaluateGroup(ConditionId condition) {
  const Node& node = program_.node(condition);
  if (node.shared && state_.group_epochs_[condition.value] == state_.epoch_)
    return static_cast<Truth>(state_.group_truths_[condition.value]);
  const bool is_all = node.kind == Node::Kind::kAll;
  const Truth deciding = ToTruth(!is_all);
  Truth truth = ToTruth(is_all);
  for (ConditionId child : program_.Children(node)) {
    const Truth part = Evaluate(child);
    if (part == truth) continue;
    if (part == deciding) {
      truth = deciding;
      break;
    }
    truth = Truth::kNeedsStore;
  }
  if (node.shared) {
    state_.group_epochs_[condition.value] = state_.epoch_;
    state_.group_truths_[condition.value] = static_cast<uint8_t>(truth);
  }
  return truth;
}

Matcher::Answer Matcher::Ask(uint32_t atom_index) {
  const Atom& atom = program_.atoms[atom_index];
  ForgetChanged(atom.subject);
  uint8_t& answer = state_.answers_[atom_index];
  if (static_cast<Answer>(answer) == Answer::kNone)
    answer = static_cast<uint8_t>(Test(atom));
  return static_cast<Answer>(answer);
}

void Matcher::ForgetChanged(uint32_t subject_index) {
  const Subject& subject = program_.subjects[subject_index];
  const uint32_t generation = Generation(input_.facts, subject.fact);
  if (state_.generations_[subject_index] == generation) return;
  state_.generations_[subject_index] = generation;
  state_.scanned_[subject_index] = 0;
  std::fill_n(state_.answers_.begin() + subject.first_atom, subject.atom_count,
              static_cast<uint8_t>(Answer::kNone));
}

Matcher::Answer Matcher::Test(const Atom& atom) {
  const Subject& subject = program_.subjects[atom.subject];
  const FactSet& facts = input_.facts;
  const FactId fact = subject.fact;
  const auto answer = [](bool value) {
    return value ? Answer::kTrue : Answer::kFalse;
  };
  if (fact == FactId::kHeader) return answer(TestHeaders(subject, atom));
  if (fact == FactId::kHeaderCount) {
    const auto count = static_cast<int64_t>(facts.header_count(subject.header));
    return answer(TestNumber(atom, count));
  }
  if (facts.presence(fact) == Presence::kUnknown) return Answer::kUnknown;
  if (!facts.present(fact)) return Answer::kFalse;
  switch (Info(fact).type) {
    case FactType::kText:
    case FactType::kDomain:
    case FactType::kMailbox:
      return answer(atom.test == TestKind::kPattern
                        ? TestPattern(atom)
                        : TestText(atom, facts.text(fact)));
    case FactType::kAddress:
    case FactType::kNetwork:
      return answer(TestPrefix(atom, facts.prefix(fact)));
    case FactType::kNumber:
    case FactType::kSize:
    case FactType::kDuration:
      return answer(TestNumber(atom, facts.number(fact)));
    case FactType::kFlag:
      break;
  }
  return Answer::kTrue;
}

bool Matcher::TestHeaders(const Subject& subject, const Atom& atom) {
  const size_t count = input_.facts.header_count(subject.header);
  if (atom.test == TestKind::kPattern) return TestPattern(atom);
  if (atom.test == TestKind::kPresent) return count > 0;
  for (size_t i = 0; i < count; ++i) {
    if (TestText(atom, input_.facts.header(subject.header, i))) return true;
  }
  return false;
}

bool Matcher::TestText(const Atom& atom, std::string_view text) const {
  const FactInfo& fact = Info(program_.subjects[atom.subject].fact);
  switch (atom.test) {
    case TestKind::kEqual:
      return text == program_.texts[atom.operand];
    case TestKind::kInList:
      return input_.lists.list({atom.operand}).Holds(text, IsFolded(fact));
    case TestKind::kInSet: {
      const LiteralSet& set = program_.sets[atom.operand];
      return fact.type == FactType::kDomain ? set.domains.Contains(text)
                                            : set.strings.Contains(text);
    }
    default:
      return true;  // kPresent: text is there
  }
}

bool Matcher::TestNumber(const Atom& atom, int64_t number) const {
  const auto operand = [&] { return program_.numbers[atom.operand]; };
  switch (atom.test) {
    case TestKind::kEqual:
      return number == operand();
    case TestKind::kLess:
      return number < operand();
    case TestKind::kLessEqual:
      return number <= operand();
    case TestKind::kGreater:
      return number > operand();
    case TestKind::kGreaterEqual:
      return number >= operand();
    case TestKind::kInSet: {
      const auto& numbers = program_.sets[atom.operand].numbers;
      return std::binary_search(numbers.begin(), numbers.end(), number);
    }
    default:
      return true;
  }
}

bool Matcher::TestPrefix(const Atom& atom, const IpPrefix& prefix) const {
  switch (atom.test) {
    case TestKind::kEqual:
      return prefix == program_.prefixes[atom.operand];
    case TestKind::kInList:
      return input_.lists.list({atom.operand}).networks.Contains(prefix);
    case TestKind::kInSet:
      return program_.sets[atom.operand].networks.Contains(prefix);
    default:
      return true;
  }
}

bool Matcher::TestPattern(const Atom& atom) {
  const Subject& subject = program_.subjects[atom.subject];
  const std::span<uint8_t> hits =
      std::span(state_.pattern_hits_)
          .subspan(subject.first_hit, subject.patterns->size());
  if (state_.scanned_[atom.subject] == 0) {
    ScanPatterns(subject, hits);
    state_.scanned_[atom.subject] = 1;
  }
  return hits[atom.operand] != 0;
}

void Matcher::ScanPatterns(const Subject& subject, std::span<uint8_t> hits) {
  const FactSet& facts = input_.facts;
  if (subject.fact != FactId::kHeader) {
    subject.patterns->Scan(facts.text(subject.fact), hits);
    return;
  }
  std::fill(hits.begin(), hits.end(), uint8_t{0});
  const auto scratch = std::span(state_.scratch_hits_).first(hits.size());
  for (size_t i = 0; i < facts.header_count(subject.header); ++i) {
    subject.patterns->Scan(facts.header(subject.header, i), scratch);
    for (size_t hit = 0; hit < hits.size(); ++hit) hits[hit] |= scratch[hit];
  }
}

}  // namespace gate::rules
