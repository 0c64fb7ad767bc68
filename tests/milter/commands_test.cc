// The command line as people and programs meet it: the real binary.
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rules/facts.h"
#include "tests/mta/gatemilter_process.h"
#include "tests/mta/temp_dir.h"

namespace gate::milter {
namespace {

using mta::Gatemilter;
using mta::Outcome;
using nlohmann::json;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr const char* kPolicy = R"(
list ours domains { .example.org }
at rcpt {
  no_relay: reject 554 5.7.1 "Relaying denied" when rcpt.domain not in ours
}
test "a stranger cannot relay" {
  mail <a@spam.example>
  rcpt <b@elsewhere.example> expect reject 554 by no_relay
}
)";
constexpr const char* kFailing = R"(
at rcpt { all: reject 554 5.7.1 "No" }
test "good" { mail <a@b.example> expect accept }
test "bad" {
  mail <a@b.example>
  rcpt <c@d.example> expect accept
}
)";

class CommandsTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& content) {
    std::string path = folder_.path() + "/" + name;
    EXPECT_TRUE(mta::WriteFile(path, content));
    return path;
  }

  mta::TempDir folder_;
  const std::string policy_ = Write("policy.rules", kPolicy);
};

// The first words of the lines of `text` that are indented by two.
std::vector<std::string> Entries(const std::string& text) {
  std::vector<std::string> entries;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("  ") || line.starts_with("   ")) continue;
    entries.push_back(line.substr(2, line.find_first_of(" :=", 2) - 2));
  }
  return entries;
}

TEST_F(CommandsTest, ManualDescribesEachCommandAndOption) {
  const std::string page =
      mta::ReadFile(GATE_SOURCE_DIR "/contrib/man/gatemilter.8");
  size_t options = 0;
  for (const std::string& command : Entries(Gatemilter({"help"}).out)) {
    if (command.starts_with("-")) continue;
    EXPECT_THAT(page, HasSubstr(".Nm gatemilter\n.Cm " + command + "\n"));
    EXPECT_THAT(page, HasSubstr("\n.It Cm " + command + "\n"));
    for (const std::string& option :
         Entries(Gatemilter({"help", command}).out)) {
      if (!option.starts_with("-") || option == "-h,--help") continue;
      ++options;
      EXPECT_THAT(page,
                  HasSubstr(option[1] == '-' ? "Fl \\-" + option.substr(2)
                                             : std::string("Fl ") + option[1]))
          << command;
    }
  }
  EXPECT_GT(options, 20U);
}

TEST_F(CommandsTest, UsageErrorsExitWithTwo) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{
           {}, {"frob"}, {"check"}, {"serve", "--frob"}, {"help", "frob"}}) {
    const Outcome outcome = Gatemilter(arguments);
    EXPECT_EQ(outcome.status, 2);
    EXPECT_THAT(outcome.out, IsEmpty());
    EXPECT_THAT(outcome.err, testing::Not(IsEmpty()));
  }
}

TEST_F(CommandsTest, HelpExplainsEveryCommand) {
  const Outcome all = Gatemilter({"help"});
  EXPECT_EQ(all.status, 0);
  for (const char* command : {"serve", "check", "test", "ask", "reload",
                              "stats", "ping", "facts", "version"}) {
    EXPECT_THAT(all.out, HasSubstr(command));
    const Outcome one = Gatemilter({"help", command});
    EXPECT_EQ(one.status, 0);
    EXPECT_THAT(one.out,
                HasSubstr("Usage: gatemilter " + std::string(command)));
    EXPECT_EQ(Gatemilter({command, "--help"}).status, 0);
  }
}

TEST_F(CommandsTest, CheckCountsWhatItFoundGood) {
  const Outcome outcome = Gatemilter({"check", policy_});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, policy_ + ": ok, 1 rule, 1 list, 1 test\n");
  EXPECT_THAT(outcome.err, IsEmpty());
}

TEST_F(CommandsTest, CheckReportsFaultsOfEachFileWithoutColourInAPipe) {
  const std::string faulty = Write("faulty.rules", "frob");
  const Outcome outcome = Gatemilter({"check", faulty, policy_});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err,
              StartsWith(faulty + ":1:1: error: unknown statement `frob`"));
  EXPECT_THAT(outcome.out, StartsWith(policy_ + ": ok"));
}

TEST_F(CommandsTest, CheckRunsTheTests) {
  const Outcome outcome =
      Gatemilter({"check", Write("failing.rules", kFailing)});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("test \"bad\" failed"),
                                 HasSubstr("1 of 2 tests failed")));
}

TEST_F(CommandsTest, CheckJsonHasPlacesIdsAndFailedTests) {
  const std::string faulty = Write("faulty.rules", "\n frob");
  const std::string failing = Write("failing.rules", kFailing);
  const Outcome outcome =
      Gatemilter({"check", "--json", faulty, failing, policy_});
  EXPECT_EQ(outcome.status, 1);
  const json files = json::parse(outcome.out).at("files");
  ASSERT_EQ(files.size(), 3u);
  EXPECT_EQ(files[0].at("ok"), false);
  const json& fault = files[0].at("diagnostics").at(0);
  EXPECT_EQ(fault.at("file"), faulty);
  EXPECT_EQ(fault.at("line"), 2);
  EXPECT_EQ(fault.at("column"), 2);
  EXPECT_EQ(fault.at("end_column"), 6);
  EXPECT_EQ(fault.at("id"), "unknown-statement");
  EXPECT_EQ(fault.at("severity"), "error");
  EXPECT_THAT(fault.at("help").get<std::string>(), HasSubstr("statements"));
  EXPECT_EQ(files[1].at("failed_tests").at(0).at("title"), "bad");
  EXPECT_EQ(files[2].at("ok"), true);
  EXPECT_EQ(files[2].at("rules"), 1);
}

TEST_F(CommandsTest, TestNamesEachTestAndCounts) {
  const Outcome outcome =
      Gatemilter({"test", Write("failing.rules", kFailing)});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("ok      good\n"), HasSubstr("FAILED  bad\n"),
                    HasSubstr("expected: accept"),
                    EndsWith("2 tests: 1 ok, 1 failed\n")));
  EXPECT_EQ(Gatemilter({"test", policy_}).status, 0);
}

TEST_F(CommandsTest, AskSaysWhatEachEventGets) {
  const std::string session =
      Write("session", "mail <a@spam.example>\nrcpt <b@c.example>\n");
  const Outcome outcome = Gatemilter({"ask", "-c", policy_, session});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("mail <a@spam.example>  accept"),
                                 HasSubstr("reject"), HasSubstr("554 5.7.1"),
                                 HasSubstr("no_relay  " + policy_ + ":4"),
                                 HasSubstr("Relaying denied")));
}

TEST_F(CommandsTest, AskTraceShowsConditionsWithValues) {
  const std::string session =
      Write("session", "mail <a@spam.example>\nrcpt <b@c.example>\n");
  const Outcome outcome =
      Gatemilter({"ask", "-c", policy_, "--trace", session});
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("rule no_relay holds"),
                                 HasSubstr("rcpt.domain not in ours"),
                                 HasSubstr("rcpt.domain = \"c.example\"")));
}

TEST_F(CommandsTest, AskJsonIsForPrograms) {
  const std::string session =
      Write("session", "mail <a@spam.example>\nrcpt <b@c.example>\n");
  const Outcome outcome =
      Gatemilter({"ask", "-c", policy_, "--json", "--trace", session});
  EXPECT_EQ(outcome.status, 0);
  const json events = json::parse(outcome.out).at("events");
  const json& rcpt = events.back();
  EXPECT_EQ(rcpt.at("verdict"), "reject");
  EXPECT_EQ(rcpt.at("code"), 554);
  EXPECT_EQ(rcpt.at("rule"), "no_relay");
  EXPECT_EQ(rcpt.at("trace").at(0).at("holds"), true);
}

TEST_F(CommandsTest, AskReportsFaultsOfTheSessionAndFailedExpectations) {
  const Outcome faulty =
      Gatemilter({"ask", "-c", policy_, Write("session", "frob")});
  EXPECT_EQ(faulty.status, 1);
  EXPECT_THAT(faulty.err, HasSubstr("session:1:1: error"));
  const Outcome failed = Gatemilter(
      {"ask", "-c", policy_,
       Write("session",
             "mail <a@b.example>\nrcpt <c@d.example> expect accept")});
  EXPECT_EQ(failed.status, 1);
  EXPECT_THAT(failed.err, HasSubstr("expected: accept"));
  EXPECT_EQ(Gatemilter({"ask", "-c", policy_, "/nowhere"}).status, 1);
}

TEST_F(CommandsTest, ReloadAndStatsWithoutADaemonNameTheSocketAndTheRepair) {
  const std::string control = "unix:" + folder_.path() + "/control.sock";
  Write("policy.rules", "set control \"" + control + "\"\nfrob");
  for (const char* command : {"reload", "stats"}) {
    const Outcome outcome = Gatemilter({command, "-c", policy_});
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.err,
                AllOf(HasSubstr(control), HasSubstr("is gatemilter running?")));
  }
}

TEST_F(CommandsTest, FactsListTheWholeVocabulary) {
  const Outcome table = Gatemilter({"facts"});
  const Outcome listing = Gatemilter({"facts", "--json"});
  const json facts = json::parse(listing.out);
  ASSERT_EQ(facts.size(), rules::AllFacts().size());
  for (const rules::FactInfo& fact : rules::AllFacts()) {
    EXPECT_THAT(table.out, HasSubstr(std::string(fact.name)));
    const json& entry = facts.at(static_cast<size_t>(fact.id));
    EXPECT_EQ(entry.at("name"), fact.name);
    EXPECT_EQ(entry.at("stage"), rules::StageName(fact.stage));
  }
}

TEST_F(CommandsTest, VersionIsOneLine) {
  const Outcome outcome = Gatemilter({"version"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, testing::MatchesRegex("gatemilter [0-9.]+\n"));
}

}  // namespace
}  // namespace gate::milter
