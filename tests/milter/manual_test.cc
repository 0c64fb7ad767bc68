// The manual pages agree with the tables that the program reads.
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "milter/policy_loader.h"
#include "rules/check_settings.h"
#include "rules/facts.h"
#include "rules/keywords.h"
#include "tests/mta/child_process.h"
#include "tests/rules/map_reader.h"

namespace gate::milter {
namespace {

std::string PagePath(std::string_view name) {
  return absl::StrCat(GATE_SOURCE_DIR, "/contrib/man/",
                      absl::string_view(name.data(), name.size()));
}

std::string Page(std::string_view name) {
  std::ifstream file(PagePath(name));
  std::string page(std::istreambuf_iterator<char>(file), {});
  EXPECT_FALSE(page.empty()) << name;
  return page;
}

// What stands between two texts of a page; empty when they are not there.
std::string Between(const std::string& page, const std::string& begin,
                    const std::string& end) {
  const size_t from = page.find(begin);
  if (from == std::string::npos) return "";
  const size_t start = from + begin.size();
  return page.substr(start, page.find(end, start) - start);
}

TEST(Manual, DescribesEveryFactAsTheVocabularyDoes) {
  const std::string facts =
      Between(Page("gatemilter.rules.5"), ".Sh FACTS", ".Sh TESTS");
  const std::string text =
      absl::StrReplaceAll(facts, {{"\\(dq", "\""}, {"\n", " "}});
  size_t entries = 0;
  for (size_t at = text.find(".It Li "); at != std::string::npos;
       at = text.find(".It Li ", at + 1)) {
    ++entries;
  }
  EXPECT_EQ(entries, rules::AllFacts().size());
  for (const rules::FactInfo& fact : rules::AllFacts()) {
    const std::string entry = absl::StrFormat(
        ".It Li %s%s .Em %s , %s : %s ", fact.name,
        fact.indexed ? "[\"Name\"]" : "", rules::FactTypeName(fact.type),
        rules::StageName(fact.stage), fact.description);
    EXPECT_NE(text.find(entry), std::string::npos) << "missing: " << entry;
  }
}

TEST(Manual, NamesEveryStatementActionAndStage) {
  const std::string page = Page("gatemilter.rules.5");
  const auto names = [&page](std::string_view word) {
    const absl::string_view name(word.data(), word.size());
    return page.find(absl::StrCat(".Ql ", name)) != std::string::npos ||
           page.find(absl::StrCat(".It Li ", name)) != std::string::npos ||
           page.find(absl::StrCat("\n", name, " ")) != std::string::npos;
  };
  for (const std::string_view word : rules::StatementWords()) {
    EXPECT_TRUE(names(word)) << word;
  }
  for (const std::string_view word : rules::ActionWords()) {
    EXPECT_TRUE(names(word)) << word;
  }
  for (size_t stage = 0; stage < rules::kStageCount; ++stage) {
    const std::string_view name =
        rules::StageName(static_cast<rules::Stage>(stage));
    EXPECT_TRUE(names(name)) << name;
  }
}

TEST(Manual, DescribesEverySetting) {
  const std::string settings =
      Between(Page("gatemilter.rules.5"), ".Ss Settings", ".Ss Other files");
  size_t entries = 0;
  for (size_t at = settings.find("\n.It Li "); at != std::string::npos;
       at = settings.find("\n.It Li ", at + 1)) {
    ++entries;
  }
  const std::vector<std::string_view> keys = rules::SettingKeys();
  EXPECT_EQ(entries, keys.size());
  for (const std::string_view key : keys) {
    const absl::string_view name(key.data(), key.size());
    EXPECT_NE(settings.find(absl::StrCat("\n.It Li ", name, " ")),
              std::string::npos)
        << key;
  }
}

TEST(Manual, ExamplePolicyIsGood) {
  const std::string example = Between(
      Between(Page("gatemilter.rules.5"), ".Sh EXAMPLES", ".Sh DIAGNOSTICS"),
      ".Bd -literal -offset indent\n", ".Ed");
  rules::MapReader reader({{"policy.rules", example}});
  const TestedPolicy policy = LoadAndTest(reader, "policy.rules", {});
  EXPECT_TRUE(policy.ok);
  EXPECT_EQ(policy.report, "");
}

TEST(Manual, PagesAreCleanMdoc) {
  for (const char* page : {"gatemilter.8", "gatemilter.rules.5"}) {
    const mta::Outcome lint = mta::Run(
        {.argv = {"mandoc", "-T", "lint", "-W", "warning", PagePath(page)}});
    EXPECT_EQ(lint.status, 0) << lint.out << lint.err;
  }
}

}  // namespace
}  // namespace gate::milter
