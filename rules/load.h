// From files to a Policy: reads the main file, its includes and lists, and
// runs all phases. The only file of `rules` that reads, through a FileReader.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/list_table.h"
#include "rules/policy.h"
#include "rules/source.h"

namespace gate::rules {

// Where texts come from: the disk, or a map in tests.
class FileReader {
 public:
  virtual ~FileReader() = default;
  // The content; an error says why in the words of strerror. A file of more
  // than kMaxFileBytes, a directory or a device is an error.
  virtual absl::StatusOr<std::string> Read(const std::string& path) = 0;
  // The paths that match `pattern` (fnmatch), in byte order; without a
  // wildcard the path itself.
  virtual std::vector<std::string> Glob(const std::string& pattern) = 0;
  static constexpr size_t kMaxFileBytes = size_t{256} << 20;
};

class DiskReader : public FileReader {
 public:
  absl::StatusOr<std::string> Read(const std::string& path) override;
  std::vector<std::string> Glob(const std::string& pattern) override;
};

struct LoadOptions {
  // Statements of the language (`socket "unix:/x"` of --set, without `set`)
  // that override those of the file; faults name them `--set 1`, ....
  std::vector<std::string> overrides;
  bool shadow = false;  // serve --shadow
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
