#include "rules/diagnostic.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_format.h"

namespace gate::rules {
namespace {

constexpr std::array kIdTexts = {
#define GATE_DIAGNOSTIC(name, text) std::string_view(text),
#include "rules/diagnostic_ids.inc"
#undef GATE_DIAGNOSTIC
};

constexpr std::array kIds = {
#define GATE_DIAGNOSTIC(name, text) DiagnosticId::name,
#include "rules/diagnostic_ids.inc"
#undef GATE_DIAGNOSTIC
};

// Lines longer than this are cut around the carets.
constexpr size_t kMaxShown = 100;
// What stays visible to the left of the carets in a cut line.
constexpr size_t kShownBefore = 40;
constexpr std::string_view kCut = "...";

// A line of source as it is shown: what a terminal would act on is replaced,
// so that each element takes one column (tabs stay, in both lines).
std::vector<std::string> Glyphs(std::string_view text) {
  std::vector<std::string> glyphs;
  while (!text.empty()) {
    const size_t size = Utf8CharacterSize(text);
    const auto byte = static_cast<uint8_t>(text[0]);
    if (size == 0) {
      glyphs.emplace_back("\xef\xbf\xbd");
    } else if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
      glyphs.emplace_back("?");
    } else {
      glyphs.emplace_back(text.substr(0, size));
    }
    text.remove_prefix(std::max(size, size_t{1}));
  }
  return glyphs;
}

// The source line of `range` and the carets below it.
void AppendExcerpt(const SourceFile& source, const SourceRange& range,
                   std::string& out) {
  const LineColumn place = source.Locate(range.begin);
  const std::string_view line = source.Line(place.line);
  const std::vector<std::string> glyphs = Glyphs(line);
  const size_t begin = std::min<size_t>(place.column - 1, glyphs.size());
  const LineColumn last = source.Locate(range.end);
  size_t end = last.line == place.line ? last.column - 1 : glyphs.size();
  end = std::max(std::min(end, glyphs.size()), begin + 1);

  size_t first = 0;
  if (glyphs.size() > kMaxShown && begin > kShownBefore) {
    first = begin - kShownBefore;
  }
  const size_t stop = std::min(glyphs.size(), first + kMaxShown);
  out += "  ";
  std::string carets = "  ";
  if (first > 0) {
    out += kCut;
    carets.append(kCut.size(), ' ');
  }
  for (size_t i = first; i < stop; ++i) {
    out += glyphs[i];
    if (i < begin) carets += glyphs[i] == "\t" ? '\t' : ' ';
  }
  if (stop < glyphs.size()) out += kCut;
  carets.append(std::min(end, std::max(stop, begin + 1)) - begin, '^');
  out += "\n" + carets + "\n";
}

void AppendDiagnostic(const Sources& sources, const Diagnostic& diagnostic,
                      std::string& out) {
  const bool error = diagnostic.severity == Severity::kError;
  absl::StrAppendFormat(
      &out, "%s: %s: %s [%s]\n", sources.Describe(diagnostic.range),
      error ? "error" : "warning", diagnostic.text, IdText(diagnostic.id));
  AppendExcerpt(sources.file(diagnostic.range.file), diagnostic.range, out);
  for (const Note& note : diagnostic.notes) {
    absl::StrAppendFormat(&out, "%s: note: %s\n", sources.Describe(note.range),
                          note.text);
  }
  if (!diagnostic.help.empty()) {
    absl::StrAppendFormat(&out, "help: %s\n", diagnostic.help);
  }
}

// Damerau-Levenshtein distance (restricted: optimal string alignment).
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> above(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before.swap(above);
    above.swap(row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + change});
      const bool swapped =
          i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view IdText(DiagnosticId id) {
  return kIdTexts[static_cast<size_t>(id)];
}

std::span<const DiagnosticId> AllDiagnosticIds() { return kIds; }

Diagnostic& Diagnostics::Keep(Diagnostic diagnostic, size_t count) {
  if (count > kMaxErrors) {
    scratch_ = std::move(diagnostic);
    return scratch_;
  }
  all_.push_back(std::move(diagnostic));
  return all_.back();
}

Diagnostic& Diagnostics::Error(DiagnosticId id, SourceRange range,
                               std::string text) {
  ++error_count_;
  return Keep({.id = id,
               .severity = Severity::kError,
               .range = range,
               .text = std::move(text),
               .notes = {},
               .help = {}},
              error_count_);
}

Diagnostic& Diagnostics::Warning(DiagnosticId id, SourceRange range,
                                 std::string text) {
  ++warning_count_;
  return Keep({.id = id,
               .severity = Severity::kWarning,
               .range = range,
               .text = std::move(text),
               .notes = {},
               .help = {}},
              warning_count_);
}

std::string Diagnostics::Render(const Sources& sources) const {
  std::vector<const Diagnostic*> order;
  order.reserve(all_.size());
  for (const Diagnostic& diagnostic : all_) order.push_back(&diagnostic);
  std::stable_sort(order.begin(), order.end(),
                   [](const Diagnostic* a, const Diagnostic* b) {
                     return std::pair(a->range.file.value, a->range.begin) <
                            std::pair(b->range.file.value, b->range.begin);
                   });
  std::string out;
  for (const Diagnostic* diagnostic : order) {
    AppendDiagnostic(sources, *diagnostic, out);
  }
  if (error_count_ > kMaxErrors) {
    absl::StrAppendFormat(&out, "%d more errors are not shown\n",
                          error_count_ - kMaxErrors);
  }
  return out;
}

std::string_view NearestName(std::string_view name,
                             std::span<const std::string_view> known) {
  size_t nearest = std::max(name.size() / 3, size_t{1}) + 1;
  std::string_view found;
  for (const std::string_view candidate : known) {
    const size_t distance = Distance(name, candidate);
    if (distance < nearest) {
      nearest = distance;
      found = candidate;
    }
  }
  return found;
}

}  // namespace gate::rules
