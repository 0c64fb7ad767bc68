#include "rules/check_context.h"

#include "absl/strings/str_format.h"

namespace gate::rules {
namespace {

// As many known names are listed when none is near.
constexpr size_t kMaxListed = 16;

}  // namespace

std::string Quoted(std::string_view name) {
  return absl::StrFormat("`%s`", name);
}

Diagnostic& ReportUnknown(CheckContext& context, DiagnosticId id,
                          std::string_view what, const ast::Name& name,
                          std::span<const std::string_view> known) {
  Diagnostic& fault = context.diagnostics.Error(
      id, name.range,
      absl::StrFormat("unknown %s %s", what, Quoted(name.text)));
  const std::string_view nearest = NearestName(name.text, known);
  if (!nearest.empty()) {
    fault.help = absl::StrFormat("did you mean %s?", Quoted(nearest));
  } else if (!known.empty() && known.size() <= kMaxListed) {
    for (const std::string_view one : known) {
      fault.help += (fault.help.empty() ? "known: " : ", ") + Quoted(one);
    }
  }
  return fault;
}

}  // namespace gate::rules
