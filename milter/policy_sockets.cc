#include "milter/policy_sockets.h"

#include <optional>
#include <set>
#include <utility>
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

  void InFile(const std::string& path) {
    // Includes may go round in a circle.
    if (!seen_.insert(path).second) return;
    auto text = reader_.Read(path);
    if (!text.ok()) return;
    rules::Sources sources;
    rules::Diagnostics faults;
    const rules::FileId file = sources.Add(path, *std::move(text));
    const ast::Tree tree = rules::Parse(sources, file, faults);
    for (const ast::Statement& statement : tree.statements) {
      if (const auto* set = std::get_if<ast::Set>(&statement)) {
        Take(*set);
      } else if (const auto* include = std::get_if<ast::Include>(&statement)) {
        for (const std::string& included :
             reader_.Glob(rules::PathBeside(path, include->path.text))) {
          InFile(included);
        }
      }
    }
  }

  // The first is the one: a second is a fault.
  std::optional<std::string> control;
  std::vector<std::string> milter;
  std::string journal;

 private:
  void Take(const ast::Set& set) {
    if (set.values.empty()) return;
    const std::string& value = set.values.front().text;
    if (set.key.text == "socket") milter.push_back(value);
    if (set.key.text == "control" && !control) control = value;
    if (set.key.text == "journal" && journal.empty()) journal = value;
  }

  rules::FileReader& reader_;
  std::set<std::string> seen_;
};

}  // namespace

std::string FindControlAddress(rules::FileReader& reader,
                               const std::string& policy_file) {
  Search search(reader);
  search.InFile(policy_file);
  return search.control.value_or(std::string(kDefaultControlAddress));
}

std::vector<std::string> FindMilterAddresses(rules::FileReader& reader,
                                             const std::string& policy_file) {
  Search search(reader);
  search.InFile(policy_file);
  return std::move(search.milter);
}

std::string FindJournalFolder(rules::FileReader& reader,
                              const std::string& policy_file) {
  Search search(reader);
  search.InFile(policy_file);
  return std::move(search.journal);
}

}  // namespace gate::milter
