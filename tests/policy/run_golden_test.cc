// Plays the `test` blocks (and the session beside it, if any) of each policy
// in tests/golden/run, and those of contrib/policies.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "policy/scenario.h"
#include "policy/scenario_text.h"
#include "rules/load.h"
#include "tests/golden_files.h"

namespace gate::policy {
namespace {

namespace fs = std::filesystem;

void AppendLines(std::string_view word, const std::vector<std::string>& lines,
                 std::string& out) {
  for (const std::string& line : lines) {
    absl::StrAppendFormat(&out, "    %s%s\n", word, line);
  }
}

void AppendEvent(const ScenarioEvent& event, std::string& out) {
  absl::StrAppendFormat(&out, "  %s", event.what);
  if (event.decided)
    absl::StrAppendFormat(&out, ": %s", DescribeVerdict(event));
  out += '\n';
  AppendLines("", event.lookups, out);
  AppendLines("shadow ", event.shadow, out);
  AppendLines("log ", event.logged, out);
  if (!event.not_given.empty()) {
    absl::StrAppendFormat(&out, "    not given: %s\n", event.not_given);
  }
  AppendLines("then ", event.effects, out);
  AppendLines("edit ", event.edits, out);
}

void AppendScenario(const std::shared_ptr<const rules::Policy>& policy,
                    const rules::ast::Test& test, std::string& out) {
  const ScenarioResult result = RunScenario(policy, test);
  for (const ScenarioEvent& event : result.events) AppendEvent(event, out);
  for (const ScenarioFailure& failure : result.failures) {
    absl::StrAppendFormat(&out, "  failed\n%s", DescribeFailure(failure));
  }
}

rules::LoadResult Load(const fs::path& path) {
  rules::DiskReader reader;
  return rules::LoadPolicy(reader, path.string());
}

// Faults and traces name their file without the folder of this checkout.
std::string WithoutFolder(std::string text, const fs::path& folder) {
  const std::string prefix = folder.string() + "/";
  for (size_t at = text.find(prefix); at != std::string::npos;
       at = text.find(prefix, at)) {
    text.erase(at, prefix.size());
  }
  return text;
}

std::string Play(const fs::path& path) {
  const rules::LoadResult loaded = Load(path);
  std::string out = loaded.Render();
  if (!loaded.policy) return out;
  for (const rules::ast::Test& test : loaded.policy->tests()) {
    absl::StrAppendFormat(&out, "%s\n", test.title.text);
    AppendScenario(loaded.policy, test, out);
  }
  const fs::path session_path = fs::path(path).replace_extension(".session");
  if (!fs::exists(session_path)) return out;
  const rules::SessionResult session = rules::ParseSession(
      session_path.filename(), testing::ReadFile(session_path));
  EXPECT_FALSE(session.diagnostics.has_errors())
      << session.diagnostics.Render(*session.sources);
  out += "session\n";
  AppendScenario(loaded.policy, session.session, out);
  return out;
}

TEST(RunGoldens, DecideAsWritten) {
  testing::CheckGoldens("run", ".rules", [](const fs::path& path) {
    return WithoutFolder(Play(path), path.parent_path());
  });
}

TEST(ContribPolicies, PassTheirTests) {
  size_t policies = 0;
  for (const auto& entry :
       fs::directory_iterator(fs::path(GATE_SOURCE_DIR) / "contrib/policies")) {
    if (entry.path().extension() != ".rules") continue;
    const rules::LoadResult loaded = Load(entry.path());
    ASSERT_TRUE(loaded.policy) << loaded.Render();
    const TestRun run = RunTests(loaded.policy, *loaded.sources);
    EXPECT_EQ(run.failed, 0U) << run.report;
    EXPECT_GT(run.passed, 0U) << entry.path();
    ++policies;
  }
  EXPECT_GT(policies, 0U);
}

}  // namespace
}  // namespace gate::policy
