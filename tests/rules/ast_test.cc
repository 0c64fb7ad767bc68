#include "rules/ast.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "rules/parser.h"
#include "tests/golden_files.h"
#include "tests/rules/same_tree.h"

namespace gate::rules {
namespace {

struct Parsed {
  Sources sources;
  Diagnostics diagnostics;
  ast::Tree tree;

  explicit Parsed(std::string text) {
    const FileId file = sources.Add("policy.rules", std::move(text));
    tree = Parse(sources, file, diagnostics);
  }
  std::string Faults() const { return diagnostics.Render(sources); }
};

// The canonical text, once it has proved to be one.
std::string DumpTwice(const std::string& text) {
  const Parsed first(text);
  if (first.diagnostics.has_errors()) return first.Faults();
  std::string dump = ast::Dump(first.tree);
  const Parsed second(dump);
  EXPECT_EQ(second.Faults(), "") << dump;
  EXPECT_TRUE(SameTree(first.tree, second.tree)) << dump;
  EXPECT_EQ(ast::Dump(second.tree), dump);
  return dump;
}

TEST(Dump, IsAFixedPointForAllSamples) {
  testing::CheckGoldens("parse", ".rules", [](const auto& path) {
    return DumpTwice(testing::ReadFile(path));
  });
}

}  // namespace
}  // namespace gate::rules
