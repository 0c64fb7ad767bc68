// From files to a Policy: reads the main file, its includes and lists, and
// runs all phases. The only file of `rules` that reads, through a FileReader.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/file_reader.h"
#include "rules/list_table.h"
#include "rules/policy.h"
#include "rules/source.h"

namespace gate::rules {

struct LoadOptions {
  // Statements of the language (`socket "unix:/x"` of --set, without `set`)
  // that override those of the file; faults name them `--set 1`, ....
  std::vector<std::string> overrides = {};
  bool shadow = false;  // serve --shadow
  // Only rules that say so themselves are shadow, whatever the mode.
  bool live = false;
};

// `policy` is null when there were errors; `sources` lives as long as the
// diagnostics are rendered.
struct LoadResult {
  std::unique_ptr<Sources> sources;
  Diagnostics diagnostics;
  std::shared_ptr<const Policy> policy;
  // Every file that was read: policy files and lists, for messages.
  std::vector<std::string> files;
  std::string Render() const { return diagnostics.Render(*sources); }
};

// `path`'s relative includes and lists are relative to the file that names
// them.
LoadResult LoadPolicy(FileReader& reader, const std::string& path,
                      const LoadOptions& options = {});

// Reads the files of `policy`'s lists again; unchanged lists are shared with
// `current`. Null, and diagnostics, when one is faulty: the old ones stay.
struct ListsResult {
  std::unique_ptr<Sources> sources;
  Diagnostics diagnostics;
  std::shared_ptr<const ListTable> lists;
};
ListsResult ReloadLists(FileReader& reader, const Policy& policy,
                        const ListTable& current);

// A session in the words of a test block (without `test "..." {`), for `ask`.
struct SessionResult {
  std::unique_ptr<Sources> sources;
  Diagnostics diagnostics;
  ast::Test session;
};
SessionResult ParseSession(std::string name, std::string text);

}  // namespace gate::rules
