// The words of sessions: how each step of a `test` block is written. The
// parser and the dump read the same table.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "rules/ast.h"

namespace gate::rules {

struct StepOption {
  std::string_view name;
  bool is_flag = false;
};

struct StepForm {
  std::string_view word;
  ast::Step::Kind kind;
  size_t min_words = 0;  // positional
  size_t max_words = 0;
  // Of the first positional word, when only one kind fits.
  std::optional<ast::Literal::Kind> first;
  std::string_view usage;  // completes "expected ..."
  std::span<const StepOption> options;
};

// Null: no such step.
const StepForm* FindStepForm(std::string_view word);
const StepForm& FormOf(ast::Step::Kind kind);
// Null: the form has no such option.
const StepOption* FindStepOption(const StepForm& form, std::string_view name);
std::span<const std::string_view> StepWords();
// What may follow `expect`.
std::span<const std::string_view> VerdictWords();

}  // namespace gate::rules
