// What parses without a fault dumps to a text that parses to the same tree
// and dumps to itself. What does not parse is reported with a place.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "rules/ast.h"
#include "rules/parser.h"
#include "tests/rules/same_tree.h"

namespace {

using gate::rules::Diagnostics;
using gate::rules::FileId;
using gate::rules::Sources;

void Require(bool holds, const char* what, const std::string& text) {
  if (holds) return;
  std::fprintf(stderr, "%s:\n%s\n", what, text.c_str());
  std::abort();
}

gate::rules::ast::Tree ParseText(std::string text, std::string& faults) {
  Sources sources;
  Diagnostics diagnostics;
  const FileId file = sources.Add("policy.rules", std::move(text));
  gate::rules::ast::Tree tree = Parse(sources, file, diagnostics);
  faults = diagnostics.Render(sources);
  Require(faults.empty() == diagnostics.all().empty(), "unsaid fault", faults);
  return tree;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string faults;
  const auto tree = ParseText(std::string(data, data + size), faults);
  if (!faults.empty()) return 0;
  const std::string dump = Dump(tree);
  const auto again = ParseText(dump, faults);
  Require(faults.empty(), "the dump has faults", dump + faults);
  Require(gate::rules::SameTree(tree, again), "the dump is another tree", dump);
  Require(Dump(again) == dump, "the dump is no fixed point", dump);
  return 0;
}
