#include "rules/load.h"

#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "rules/check_characters.h"
#include "rules/check_lists.h"
#include "rules/check_steps.h"
#include "rules/checker.h"
#include "rules/compiler.h"
#include "rules/list_file.h"
#include "rules/parser.h"
#include "rules/policy_files.h"

namespace gate::rules {
namespace {

using Contents = std::shared_ptr<const ListContents>;

std::vector<ListEntry> InlineEntries(const Sources& sources,
                                     const ast::List& list) {
  const SourceFile& file = sources.file(list.range.file);
  std::vector<ListEntry> entries;
  entries.reserve(list.entries.size());
  for (const ast::Literal& literal : list.entries) {
    entries.push_back({literal.kind, literal.text, literal.flags, literal.range,
                       file.Locate(literal.range.begin).line});
  }
  return entries;
}

Contents BuildFromFile(const Sources& sources, FileId file, ListType type,
                       Diagnostics& diagnostics) {
  if (!CheckCharacters(sources, file, diagnostics)) return nullptr;
  return BuildList(type, ReadListFile(sources, file, type), diagnostics);
}

uint64_t HashOf(std::string_view text) {
  TextHash hash;
  hash.Add(text);
  return hash.value();
}

// The lists of a checked tree, with their files.
class ListLoader {
 public:
  ListLoader(PolicyFiles& files, const Sources& sources,
             Diagnostics& diagnostics)
      : files_(files), sources_(sources), diagnostics_(diagnostics) {}

  void Load(const ast::List& list) {
    const std::optional<ListType> type = FindListType(list.type.text);
    if (!type || diagnostics_.full()) return;
    const std::string& declared_in = sources_.file(list.range.file).name();
    ListInfo info{list.name.text, *type, "", declared_in};
    uint64_t hash = 0;
    Contents contents;
    if (list.from_file) {
      info.file = PathBeside(declared_in, list.from_file->text);
      FileId file;
      if (!files_.Read(info.file, list.from_file->range, file)) return;
      hash = HashOf(sources_.file(file).text());
      contents = BuildFromFile(sources_, file, *type, diagnostics_);
    } else {
      contents = BuildList(*type, InlineEntries(sources_, list), diagnostics_);
    }
    infos_.push_back(std::move(info));
    contents_.push_back(std::move(contents));
    hashes_.push_back(hash);
  }

  std::vector<ListInfo> TakeInfos() { return std::move(infos_); }
  std::shared_ptr<const ListTable> TakeTable() {
    return std::make_shared<const ListTable>(std::move(contents_),
                                             std::move(hashes_));
  }

 private:
  PolicyFiles& files_;
  const Sources& sources_;
  Diagnostics& diagnostics_;
  std::vector<ListInfo> infos_;
  std::vector<Contents> contents_;
  std::vector<uint64_t> hashes_;
};

std::shared_ptr<const Policy> CheckAndCompile(PolicyFiles& files,
                                              const Sources& sources,
                                              ast::Tree tree,
                                              const LoadOptions& options,
                                              Diagnostics& diagnostics) {
  const Symbols symbols = Check(sources, tree, diagnostics);
  ListLoader lists(files, sources, diagnostics);
  for (const ast::List* list : symbols.lists) lists.Load(*list);
  if (diagnostics.has_errors()) return nullptr;
  // Who reads decisions of this policy later asks it by its hash whether they
  // were given. No text has a byte 0.
  if (options.shadow && !options.live) {
    files.hash().Add(std::string_view("\0--shadow", 9));
  }
  return Compile(sources, std::move(tree), symbols, lists.TakeInfos(),
                 lists.TakeTable(),
                 {.shadow = options.shadow,
                  .live = options.live,
                  .hash = files.hash().ToHex()},
                 diagnostics);
}

// The contents of one list as they are now; null and diagnostics: faulty.
Contents ReloadList(FileReader& reader, const ListInfo& info,
                    const Contents& current, uint64_t& hash, Sources& sources,
                    Diagnostics& diagnostics) {
  auto text = reader.Read(info.file);
  if (!text.ok()) {
    diagnostics.Error(
        DiagnosticId::kUnreadableFile, {sources.Add(info.file, ""), 0, 0},
        absl::StrFormat("cannot read `%s` of list `%s`: %s", info.file,
                        info.name, text.status().message()));
    return nullptr;
  }
  const uint64_t new_hash = HashOf(*text);
  if (new_hash == hash) return current;
  hash = new_hash;
  const FileId file = sources.Add(info.file, *std::move(text));
  return BuildFromFile(sources, file, info.type, diagnostics);
}

}  // namespace

LoadResult LoadPolicy(FileReader& reader, const std::string& path,
                      const LoadOptions& options) {
  LoadResult result;
  result.sources = std::make_unique<Sources>();
  PolicyFiles files(reader, *result.sources, result.diagnostics);
  ast::Tree tree = files.Load(path);
  files.Override(options.overrides, tree);
  if (!result.diagnostics.has_errors()) {
    result.policy = CheckAndCompile(files, *result.sources, std::move(tree),
                                    options, result.diagnostics);
  }
  result.files = std::move(files.files());
  return result;
}

ListsResult ReloadLists(FileReader& reader, const Policy& policy,
                        const ListTable& current) {
  ListsResult result;
  result.sources = std::make_unique<Sources>();
  std::vector<Contents> contents;
  std::vector<uint64_t> hashes;
  for (uint32_t i = 0; i < policy.lists().size(); ++i) {
    const ListInfo& info = policy.lists()[i];
    hashes.push_back(current.hash({i}));
    contents.push_back(info.file.empty()
                           ? current.shared({i})
                           : ReloadList(reader, info, current.shared({i}),
                                        hashes.back(), *result.sources,
                                        result.diagnostics));
  }
  if (result.diagnostics.has_errors()) return result;
  result.lists =
      std::make_shared<const ListTable>(std::move(contents), std::move(hashes));
  return result;
}

SessionResult ParseSession(std::string name, std::string text) {
  SessionResult result;
  result.sources = std::make_unique<Sources>();
  const FileId file = result.sources->Add(std::move(name), std::move(text));
  result.session = ParseSteps(*result.sources, file, result.diagnostics);
  if (!result.diagnostics.has_errors()) {
    CheckSteps(result.session, result.diagnostics);
  }
  return result;
}

}  // namespace gate::rules
