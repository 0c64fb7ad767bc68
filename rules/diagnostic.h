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

// Stable ids, listed with their texts in diagnostic_ids.inc. Each has a golden
// in tests/golden/check (a test compares the two lists).
enum class DiagnosticId {
#define GATE_DIAGNOSTIC(name, text) name,
#include "rules/diagnostic_ids.inc"
#undef GATE_DIAGNOSTIC
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

// The sink. Keeps up to kMaxErrors errors and as many warnings; counts all
// errors. Thread-compatible.
class Diagnostics {
 public:
  static constexpr size_t kMaxErrors = 20;

  // Returns the stored diagnostic so that notes and help can be added; a
  // scratch object once the sink is full. Valid until the next call.
  Diagnostic& Error(DiagnosticId id, SourceRange range, std::string text);
  Diagnostic& Warning(DiagnosticId id, SourceRange range, std::string text);

  bool has_errors() const { return error_count_ > 0; }
  bool full() const { return error_count_ >= kMaxErrors; }
  size_t error_count() const { return error_count_; }
  const std::vector<Diagnostic>& all() const { return all_; }

  // All of them as text, in the order of the files and offsets.
  std::string Render(const Sources& sources) const;

 private:
  Diagnostic& Keep(Diagnostic diagnostic, size_t count);

  std::vector<Diagnostic> all_;
  Diagnostic scratch_{};
  size_t error_count_ = 0;
  size_t warning_count_ = 0;
};

// The nearest of `known` to `name` (Damerau-Levenshtein distance of at most a
// third of the name's length, at least 1); empty when none is near.
std::string_view NearestName(std::string_view name,
                             std::span<const std::string_view> known);

}  // namespace gate::rules
