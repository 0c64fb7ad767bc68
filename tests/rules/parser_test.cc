#include "rules/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "rules/keywords.h"
#include "tests/golden_files.h"

namespace gate::rules {
namespace {

using ::testing::HasSubstr;

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

// One line of ids, in the order in which they were found.
std::string Ids(const Diagnostics& diagnostics) {
  std::string ids;
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    if (!ids.empty()) ids += " ";
    ids += IdText(diagnostic.id);
  }
  return ids;
}

TEST(Parser, ReportsEachSyntaxFaultOnce) {
  size_t tried = 0;
  for (const DiagnosticId id : AllDiagnosticIds()) {
    const std::string name(IdText(id));
    const Parsed parsed(testing::ReadFile(
        testing::GoldenFolder("check") / (name + ".rules")));
    EXPECT_EQ(Ids(parsed.diagnostics), name) << parsed.Faults();
    ++tried;
    if (id == DiagnosticId::kExpectWithoutStep) break;
  }
  EXPECT_GE(tried, 25U);
}

}  // namespace
}  // namespace gate::rules
