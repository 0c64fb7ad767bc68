#include "rules/pattern_set.h"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <cassert>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_format.h"

namespace gate::rules {
namespace {

// Bytes that one pattern's program and its automaton may take (RE2's own
// default), and those of the set of all.
constexpr int64_t kPatternMemory = int64_t{8} << 20;
constexpr int64_t kSetMemory = int64_t{256} << 20;
// Up to so many are asked one after the other: about 0.1 us each. The set of
// all knows which of them matched, but allocates to tell; sets of so many each
// tell where to ask.
constexpr size_t kFewPatterns = 64;

RE2::Options Options(int64_t memory) {
  RE2::Options options(RE2::CannedOptions::Quiet);
  options.set_encoding(RE2::Options::EncodingUTF8);
  options.set_max_mem(memory);
  return options;
}

re2::StringPiece Piece(std::string_view text) {
  return re2::StringPiece(text.data(), text.size());
}

// "(?im)" in the order of the alphabet, so that equal flags are equal texts;
// empty when there are none. A letter that is no flag goes into `unknown`.
std::string FlagPrefix(std::string_view flags, std::optional<char>& unknown) {
  std::string letters;
  for (const char known : {'i', 'm', 's'}) {
    if (flags.find(known) != std::string_view::npos) letters += known;
  }
  const size_t bad = flags.find_first_not_of("ims");
  if (bad != std::string_view::npos) unknown = flags[bad];
  return letters.empty() ? letters : "(?" + letters + ")";
}

// RE2's error about `prefix` + `pattern`, put in terms of `pattern`.
PatternSet::Fault FaultOf(const RE2& re, size_t prefix,
                          std::string_view pattern) {
  PatternSet::Fault fault;
  fault.text = re.error();
  const std::string& argument = re.error_arg();
  const std::string suffix = ": " + argument;
  if (fault.text.ends_with(suffix)) {
    fault.text.resize(fault.text.size() - suffix.size());
  }
  if (argument.empty()) return fault;
  const size_t at = re.pattern().find(argument);
  if (at == std::string::npos) return fault;
  const size_t end = at + argument.size() - prefix;
  fault.offset = std::max(at, prefix) - prefix;
  fault.length = std::min(end, pattern.size()) - fault.offset;
  return fault;
}

// False: no pattern of the set matches. Cheaper than asking each, and it
// allocates nothing, because the set is not asked which ones do.
bool MayMatch(const RE2::Set& set, std::string_view text) {
  RE2::Set::ErrorInfo error;
  if (set.Match(Piece(text), nullptr, &error)) return true;
  // A set that ran out of memory says no: only the patterns know then.
  return error.kind != RE2::Set::kNoError;
}

}  // namespace

struct PatternSet::Impl {
  std::vector<std::unique_ptr<const RE2>> patterns;
  absl::flat_hash_map<std::string, uint32_t> index;  // by flags and pattern
  std::unique_ptr<RE2::Set> set;
  // Sets of kFewPatterns each, in order, when there are more than that; null:
  // one that would take too much memory.
  std::vector<std::unique_ptr<RE2::Set>> blocks;

  bool MayMatch(std::string_view text) const {
    return gate::rules::MayMatch(*set, text);
  }
  // Null, and an error text (empty: too large), when it cannot be compiled.
  std::unique_ptr<RE2::Set> SetOf(size_t first, size_t last, int64_t memory,
                                  std::string& error) const {
    auto made = std::make_unique<RE2::Set>(Options(memory), RE2::UNANCHORED);
    for (size_t i = first; i < last; ++i) {
      if (made->Add(patterns[i]->pattern(), &error) < 0) return nullptr;
    }
    return made->Compile() ? std::move(made) : nullptr;
  }
};

PatternSet::PatternSet() : impl_(std::make_unique<Impl>()) {}
PatternSet::~PatternSet() = default;

std::optional<PatternSet::Fault> PatternSet::Add(std::string_view pattern,
                                                 std::string_view flags,
                                                 uint32_t& index) {
  assert(impl_->set == nullptr);
  std::optional<char> unknown;
  const std::string prefix = FlagPrefix(flags, unknown);
  if (unknown) {
    return Fault{.text = absl::StrFormat("unknown flag `%c`", *unknown)};
  }
  std::string whole = prefix;
  whole += pattern;
  const auto next = static_cast<uint32_t>(impl_->patterns.size());
  if (const auto known = impl_->index.find(whole);
      known != impl_->index.end()) {
    index = known->second;
    return std::nullopt;
  }
  auto re = std::make_unique<const RE2>(whole, Options(kPatternMemory));
  if (!re->ok()) return FaultOf(*re, prefix.size(), pattern);
  impl_->patterns.push_back(std::move(re));
  impl_->index.emplace(std::move(whole), next);
  index = next;
  return std::nullopt;
}

std::optional<PatternSet::Fault> PatternSet::Check(std::string_view pattern,
                                                   std::string_view flags) {
  PatternSet one;
  uint32_t index = 0;
  return one.Add(pattern, flags, index);
}

std::string PatternSet::Compile() {
  assert(impl_->set == nullptr);
  impl_->index.clear();
  std::string error;
  impl_->set = impl_->SetOf(0, size(), kSetMemory, error);
  if (impl_->set == nullptr) {
    return !error.empty() ? error
                          : absl::StrFormat("%d patterns take more than %d MB",
                                            size(), kSetMemory >> 20);
  }
  if (size() <= kFewPatterns) return "";
  for (size_t first = 0; first < size(); first += kFewPatterns) {
    impl_->blocks.push_back(impl_->SetOf(
        first, std::min(size(), first + kFewPatterns), kPatternMemory, error));
  }
  return "";
}

size_t PatternSet::size() const { return impl_->patterns.size(); }

bool PatternSet::MatchesAny(std::string_view text) const {
  assert(size() == 0 || impl_->set != nullptr);
  if (size() == 0) return false;
  RE2::Set::ErrorInfo error;
  if (impl_->set->Match(Piece(text), nullptr, &error)) return true;
  return error.kind != RE2::Set::kNoError && FirstMatch(text).has_value();
}

std::optional<uint32_t> PatternSet::FirstMatch(std::string_view text) const {
  if (!impl_->blocks.empty() && !impl_->MayMatch(text)) return std::nullopt;
  for (size_t first = 0; first < size(); first += kFewPatterns) {
    if (!impl_->blocks.empty()) {
      const auto& block = impl_->blocks[first / kFewPatterns];
      if (block != nullptr && !gate::rules::MayMatch(*block, text)) continue;
    }
    const size_t last = std::min(size(), first + kFewPatterns);
    for (size_t i = first; i < last; ++i) {
      const auto index = static_cast<uint32_t>(i);
      if (Matches(index, text)) return index;
    }
  }
  return std::nullopt;
}

void PatternSet::Scan(std::string_view text, std::span<uint8_t> hits) const {
  assert(hits.size() == size());
  std::fill(hits.begin(), hits.end(), uint8_t{0});
  if (size() == 0 || !impl_->MayMatch(text)) return;
  for (uint32_t i = 0; i < size(); ++i) hits[i] = Matches(i, text) ? 1 : 0;
}

bool PatternSet::Matches(uint32_t index, std::string_view text) const {
  return impl_->patterns[index]->Match(Piece(text), 0, text.size(),
                                       RE2::UNANCHORED, nullptr, 0);
}

}  // namespace gate::rules
