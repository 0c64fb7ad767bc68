// Faults and warnings of a rule text: collected by the phases, printed once.
//
// Form (style S27-S31): `file:line:col: error: text [id]`, the source line,
// carets under the narrowest range, `note:` lines, a `help:` line.
// Not for faults of the environment (sockets, permissions): absl::Status.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/source.h"

namespace gate::rules {

// Stable ids; the text of each, kebab-case, is in the table of diagnostic.cc.
// Each has a golden in tests/golden/check (a test compares the two lists).
enum class DiagnosticId {
  kUnexpectedCharacter,
  kUnterminatedString,
  // Lexer, parser, checker and loader add theirs here, grouped by phase.
};

// The id as printed between brackets, such as "unknown-fact".
std::string_view IdText(DiagnosticId id);
// Every id, for the test that each has a golden.
std::span<const DiagnosticId> AllDiagnosticIds();

enum class Severity { kError, kWarning };

struct Note {
  SourceRange range;
  std::string text;
};

struct Diagnostic {
  DiagnosticId id;
  Severity severity = Severity::kError;
  SourceRange range;
  std::string text;  // lower case, no full stop, code in backquotes
  std::vector<Note> notes;
  std::string help;  // empty: none
};

// The sink. Keeps up to kMaxErrors errors; counts all. Thread-compatible.
class Diagnostics {
 public:
  static constexpr size_t kMaxErrors = 20;

  // Returns the stored diagnostic so that notes and help can be added; a
  // scratch object once the sink is full.
  Diagnostic& Error(DiagnosticId id, SourceRange range, std::string text);
  Diagnostic& Warning(DiagnosticId id, SourceRange range, std::string text);

  bool has_errors() const { return error_count_ > 0; }
  bool full() const { return error_count_ >= kMaxErrors; }
  size_t error_count() const { return error_count_; }
  const std::vector<Diagnostic>& all() const { return all_; }

  // All of them as text, in the order of the files and offsets.
  std::string Render(const Sources& sources) const;

 private:
  std::vector<Diagnostic> all_;
  Diagnostic scratch_{};
  size_t error_count_ = 0;
};

// The nearest of `known` to `name` (Damerau-Levenshtein distance of at most a
// third of the name's length, at least 1); empty when none is near.
std::string_view NearestName(std::string_view name,
                             std::span<const std::string_view> known);

}  // namespace gate::rules
