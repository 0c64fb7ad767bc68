#include "rules/keywords.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace gate::rules {
namespace {

using Kind = ast::Action::Kind;

constexpr std::array<std::string_view, 7> kStatementWords = {
    "set", "include", "let", "list", "limit", "at", "test"};

// In the order of ast::Action::Kind.
constexpr std::array<std::string_view, 10> kActionWords = {
    "accept", "reject", "defer",  "discard", "quarantine",
    "add",    "set",    "remove", "log",     "ban"};
static_assert(kActionWords.size() == static_cast<size_t>(Kind::kBan) + 1);

constexpr std::array<std::string_view, 37> kReservedWords = {
    // statements
    "set", "include", "let", "list", "limit", "at", "test",
    // rules
    "accept", "reject", "defer", "discard", "quarantine", "add", "remove",
    "log", "ban", "shadow", "when", "header", "message", "connection", "for",
    // conditions
    "and", "or", "not", "in", "matches", "over", "banned",
    // limits and lists
    "per", "prefix", "counting", "burst", "outage", "from",
    // tests
    "expect", "by"};

bool Contains(std::span<const std::string_view> words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

std::span<const std::string_view> ReservedWords() { return kReservedWords; }

bool IsReserved(std::string_view word) {
  return Contains(kReservedWords, word);
}

std::span<const std::string_view> StatementWords() { return kStatementWords; }

bool IsStatementWord(std::string_view word) {
  return Contains(kStatementWords, word);
}

std::span<const std::string_view> ActionWords() { return kActionWords; }

std::optional<Kind> FindAction(std::string_view word) {
  const auto* found = std::find(kActionWords.begin(), kActionWords.end(), word);
  if (found == kActionWords.end()) return std::nullopt;
  return static_cast<Kind>(found - kActionWords.begin());
}

std::string_view ActionWord(Kind kind) {
  return kActionWords[static_cast<size_t>(kind)];
}

}  // namespace gate::rules
