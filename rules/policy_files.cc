#include "rules/policy_files.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_format.h"
#include "rules/parser.h"

namespace gate::rules {
namespace {

constexpr size_t kMaxDepth = 16;
constexpr size_t kMaxFiles = 1000;

}  // namespace

void TextHash::Add(std::string_view text) {
  for (const char c : text) {
    value_ ^= static_cast<unsigned char>(c);
    value_ *= 0x100000001b3;
  }
}

std::string TextHash::ToHex() const { return absl::StrFormat("%016x", value_); }

PolicyFiles::PolicyFiles(FileReader& reader, Sources& sources,
                         Diagnostics& diagnostics)
    : reader_(reader), sources_(sources), diagnostics_(diagnostics) {}

ast::Tree PolicyFiles::Load(const std::string& path) {
  ast::Tree tree;
  // Nothing names the main file: its fault stands at its own beginning.
  auto text = reader_.Read(path);
  if (!text.ok()) {
    diagnostics_.Error(
        DiagnosticId::kUnreadableFile, {sources_.Add(path, ""), 0, 0},
        absl::StrFormat("cannot read `%s`: %s", path, text.status().message()));
    return tree;
  }
  files_.push_back(path);
  hash_.Add(*text);
  const FileId file = sources_.Add(path, *std::move(text));
  open_.push_back({PathBeside("", path), nullptr});
  Splice(Parse(sources_, file, diagnostics_), tree.statements);
  open_.pop_back();
  return tree;
}

bool PolicyFiles::Read(const std::string& path, const SourceRange& place,
                       FileId& file) {
  auto text = reader_.Read(path);
  if (!text.ok()) {
    diagnostics_.Error(
        DiagnosticId::kUnreadableFile, place,
        absl::StrFormat("cannot read `%s`: %s", path, text.status().message()));
    return false;
  }
  files_.push_back(path);
  hash_.Add(*text);
  file = sources_.Add(path, *std::move(text));
  return true;
}

void PolicyFiles::Splice(ast::Tree from, std::vector<ast::Statement>& to) {
  for (ast::Statement& statement : from.statements) {
    if (const auto* include = std::get_if<ast::Include>(&statement)) {
      Include(*include, to);
    } else {
      to.push_back(std::move(statement));
    }
  }
}

void PolicyFiles::Include(const ast::Include& include,
                          std::vector<ast::Statement>& to) {
  const std::string pattern = PathBeside(open_.back().path, include.path.text);
  const std::vector<std::string> paths = reader_.Glob(pattern);
  if (paths.empty() && HasWildcard(pattern)) {
    diagnostics_.Warning(DiagnosticId::kEmptyInclude, include.path.range,
                         absl::StrFormat("no file matches `%s`", pattern));
  }
  for (const std::string& path : paths) {
    if (diagnostics_.full()) return;
    IncludeFile(path, include, to);
  }
}

void PolicyFiles::IncludeFile(const std::string& path,
                              const ast::Include& include,
                              std::vector<ast::Statement>& to) {
  FileId file;
  if (!MayInclude(path, include) || !Read(path, include.path.range, file)) {
    return;
  }
  open_.push_back({path, &include});
  Splice(Parse(sources_, file, diagnostics_), to);
  open_.pop_back();
}

bool PolicyFiles::MayInclude(const std::string& path,
                             const ast::Include& include) {
  const bool cycle =
      std::any_of(open_.begin(), open_.end(),
                  [&](const Open& open) { return open.path == path; });
  if (cycle) {
    NoteChain(
        diagnostics_.Error(DiagnosticId::kIncludeCycle, include.path.range,
                           absl::StrFormat("`%s` includes itself", path)));
    return false;
  }
  if (open_.size() >= kMaxDepth) {
    NoteChain(diagnostics_.Error(
        DiagnosticId::kIncludeTooDeep, include.path.range,
        absl::StrFormat("more than %d files inside each other", kMaxDepth)));
    return false;
  }
  if (files_.size() >= kMaxFiles) {
    diagnostics_.Error(DiagnosticId::kIncludeTooDeep, include.path.range,
                       absl::StrFormat("more than %d files", kMaxFiles));
    return false;
  }
  return true;
}

void PolicyFiles::NoteChain(Diagnostic& fault) const {
  for (size_t i = open_.size(); i-- > 1;) {
    fault.notes.push_back(
        {open_[i].include->path.range,
         absl::StrFormat("`%s` is included here", open_[i].path)});
  }
}

void PolicyFiles::Override(std::span<const std::string> texts,
                           ast::Tree& tree) {
  for (size_t i = 0; i < texts.size(); ++i) {
    OverrideOne(absl::StrFormat("--set %d", i + 1), texts[i], tree);
  }
}

void PolicyFiles::OverrideOne(const std::string& name, const std::string& text,
                              ast::Tree& tree) {
  hash_.Add(text);
  const FileId file = sources_.Add(name, text);
  ast::Tree parsed = ParseSetting(sources_, file, diagnostics_);
  if (parsed.statements.empty()) return;
  auto& setting = std::get<ast::Set>(parsed.statements.front());
  std::erase_if(tree.statements, [&](const ast::Statement& statement) {
    const auto* other = std::get_if<ast::Set>(&statement);
    return other && other->key.text == setting.key.text;
  });
  tree.statements.emplace_back(std::move(setting));
}

}  // namespace gate::rules
