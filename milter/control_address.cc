#include "milter/control_address.h"

#include <optional>
#include <set>
#include <variant>

#include "milter/control.h"
#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/file_reader.h"
#include "rules/parser.h"
#include "rules/source.h"

namespace gate::milter {
namespace {

namespace ast = rules::ast;

class Search {
 public:
  explicit Search(rules::FileReader& reader) : reader_(reader) {}

  std::optional<std::string> InFile(const std::string& path) {
    // Includes may go round in a circle.
    if (!seen_.insert(path).second) return std::nullopt;
    auto text = reader_.Read(path);
    if (!text.ok()) return std::nullopt;
    rules::Sources sources;
    rules::Diagnostics faults;
    const rules::FileId file = sources.Add(path, *std::move(text));
    const ast::Tree tree = rules::Parse(sources, file, faults);
    for (const ast::Statement& statement : tree.statements) {
      if (auto address = InStatement(statement, path)) return address;
    }
    return std::nullopt;
  }

 private:
  std::optional<std::string> InStatement(const ast::Statement& statement,
                                         const std::string& path) {
    if (const auto* set = std::get_if<ast::Set>(&statement)) {
      if (set->key.text == "control" && !set->values.empty()) {
        return set->values.front().text;
      }
    } else if (const auto* include = std::get_if<ast::Include>(&statement)) {
      return InIncludes(include->path.text, path);
    }
    return std::nullopt;
  }

  std::optional<std::string> InIncludes(const std::string& pattern,
                                        const std::string& from) {
    for (const std::string& path :
         reader_.Glob(rules::PathBeside(from, pattern))) {
      if (auto address = InFile(path)) return address;
    }
    return std::nullopt;
  }

  rules::FileReader& reader_;
  std::set<std::string> seen_;
};

}  // namespace

std::string FindControlAddress(rules::FileReader& reader,
                               const std::string& policy_file) {
  return Search(reader)
      .InFile(policy_file)
      .value_or(std::string(kDefaultControlAddress));
}

}  // namespace gate::milter
