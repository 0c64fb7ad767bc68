#include "rules/check_journal.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_format.h"

namespace gate::rules {
namespace {

using Kind = ast::Literal::Kind;

constexpr int64_t kMinKeepUs = int64_t{60} * 1'000'000;
constexpr int64_t kMinBytes = int64_t{1} << 20;
constexpr std::string_view kOptionHelp =
    "`keep 14d` (1min or more) and `max 4GiB` (1MiB or more) may follow the "
    "folder";

void Report(CheckContext& context, SourceRange range, std::string text,
            std::string_view help) {
  context.diagnostics.Error(DiagnosticId::kBadSetting, range, std::move(text))
      .help = help;
}

bool CheckFolder(CheckContext& context, const ast::Literal& value,
                 std::string_view help) {
  const bool good =
      value.kind == Kind::kString && value.text.starts_with('/') &&
      std::none_of(value.text.begin(), value.text.end(), [](char c) {
        return static_cast<unsigned char>(c) < ' ' || c == 0x7f;
      });
  if (good) return true;
  Report(context, value.range,
         absl::StrFormat("%s is no folder: its path begins with `/` and stands "
                         "in quotes",
                         context.sources.Text(value.range)),
         help);
  return false;
}

bool OptionFits(std::string_view name, const ast::Literal& value) {
  if (name == "keep") {
    return value.kind == Kind::kDuration && value.number >= kMinKeepUs;
  }
  return value.kind == Kind::kSize && value.number >= kMinBytes;
}

}  // namespace

void CheckState(CheckContext& context, const ast::Set& set) {
  CheckFolder(context, set.values[0],
              "such as `set state \"/var/lib/gatemilter\"`");
}

void CheckJournal(CheckContext& context, const ast::Set& set) {
  if (!CheckFolder(context, set.values[0],
                   "such as `set journal \"/var/log/gatemilter\" keep 14d max "
                   "4GiB`")) {
    return;
  }
  std::vector<std::string_view> seen;
  for (size_t i = 0; i < set.options.size(); i += 2) {
    const ast::Literal& name = set.options[i];
    const bool known =
        (name.text == "keep" || name.text == "max") &&
        std::find(seen.begin(), seen.end(), name.text) == seen.end();
    if (!known || i + 1 == set.options.size()) {
      return Report(context, name.range,
                    absl::StrFormat("`journal` does not take %s here",
                                    Quoted(context.sources.Text(name.range))),
                    kOptionHelp);
    }
    seen.push_back(name.text);
    const ast::Literal& value = set.options[i + 1];
    if (!OptionFits(name.text, value)) {
      return Report(context, value.range,
                    absl::StrFormat("%s cannot be %s", Quoted(name.text),
                                    context.sources.Text(value.range)),
                    kOptionHelp);
    }
  }
}

void CheckJournalSample(CheckContext& context, const ast::Set& set) {
  const ast::Literal& value = set.values[0];
  if (value.kind == Kind::kShare) return;
  Report(context, value.range,
         absl::StrFormat("`journal-sample` cannot be %s",
                         context.sources.Text(value.range)),
         "it is a share from 0% to 100%, such as `1%`");
}

void CheckFolders(CheckContext& context, const ast::Tree& tree) {
  const ast::Literal* state = nullptr;
  const ast::Literal* journal = nullptr;
  for (const ast::Statement& statement : tree.statements) {
    const auto* set = std::get_if<ast::Set>(&statement);
    if (!set || set->values.empty()) continue;
    if (set->key.text == "state") state = &set->values[0];
    if (set->key.text == "journal") journal = &set->values[0];
  }
  if (!state || !journal || state->text != journal->text) return;
  context.diagnostics
      .Error(DiagnosticId::kBadSetting, state->range,
             absl::StrFormat("`state` and `journal` cannot share %s",
                             Quoted(state->text)))
      .notes.push_back({journal->range, "the journal's is here"});
}

}  // namespace gate::rules
