#include "milter/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>

namespace gate::milter {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(LogQuote, EscapesWhatCouldForgeALine) {
  struct Case {
    const char* name;
    std::string_view value;
    std::string_view quoted;
  };
  constexpr Case kCases[] = {
      {.name = "plain", .value = "a@b.example", .quoted = "a@b.example"},
      {.name = "empty", .value = "", .quoted = R"("")"},
      {.name = "blank", .value = "a b", .quoted = R"("a b")"},
      {.name = "key", .value = "a=b", .quoted = R"("a=b")"},
      {.name = "quote", .value = R"(a"b\)", .quoted = R"("a\"b\\")"},
      {.name = "line break",
       .value = "a\r\nstage=rcpt",
       .quoted = R"("a\x0d\x0astage=rcpt")"},
      {.name = "escape", .value = "\x1b[2J", .quoted = R"("\x1b[2J")"},
      {.name = "delete", .value = "\x7f", .quoted = R"("\x7f")"},
      {.name = "UTF-8", .value = "gr\xc3\xbcn", .quoted = "\"gr\xc3\xbcn\""},
      {.name = "C1 control", .value = "\xc2\x9b", .quoted = R"("\xc2\x9b")"},
      {.name = "line separator",
       .value = "\xe2\x80\xa8",
       .quoted = R"("\xe2\x80\xa8")"},
      {.name = "right-to-left override",
       .value = "\xe2\x80\xae",
       .quoted = R"("\xe2\x80\xae")"},
      {.name = "bad byte", .value = "a\xff", .quoted = R"("a\xff")"},
      {.name = "cut short", .value = "\xe2\x82", .quoted = R"("\xe2\x82")"},
      {.name = "overlong", .value = "\xc0\x8a", .quoted = R"("\xc0\x8a")"},
      {.name = "surrogate",
       .value = "\xed\xa0\x80",
       .quoted = R"("\xed\xa0\x80")"},
      {.name = "NUL",
       .value = std::string_view("\0", 1),
       .quoted = R"("\x00")"},
  };
  for (const Case& c : kCases) EXPECT_EQ(LogQuote(c.value), c.quoted) << c.name;
}

class LogTest : public ::testing::Test {
 protected:
  // What `write` logs at `level`.
  template <class Function>
  std::string Lines(const std::string& level, Function write) {
    ::testing::internal::CaptureStderr();
    {
      Log log(level, statistics_);
      write(log);
    }
    return ::testing::internal::GetCapturedStderr();
  }

  policy::Statistics statistics_;
  policy::Session session_;
  rules::Rule rule_;
};

TEST_F(LogTest, WritesOneLineADecision) {
  rule_.label = "no_relay";
  policy::Verdict verdict;
  verdict.action = rules::Action::kReject;
  verdict.stage = rules::Stage::kRcpt;
  verdict.code = 554;
  verdict.enhanced = "5.7.1";
  verdict.text = "Relaying\ndenied";
  verdict.rule = &rule_;
  const std::string lines = Lines("info", [&](Log& log) {
    log.Decided({.verdict = verdict, .session = session_});
    log.Decided({.verdict = verdict, .session = session_, .shadow = true});
    log.Decided({.verdict = verdict, .session = session_, .given = false});
  });
  EXPECT_THAT(lines, HasSubstr("info: stage=rcpt action=reject code=554 "
                               "enhanced=5.7.1 rule=no_relay "
                               "text=\"Relaying\\x0adenied\"\n"));
  EXPECT_THAT(lines, HasSubstr("rule=no_relay shadow=yes text="));
  EXPECT_THAT(lines, HasSubstr("rule=no_relay given=no text="));
}

TEST_F(LogTest, CutsLongValues) {
  const std::string lines = Lines("info", [&](Log& log) {
    log.Noted(rule_, session_, std::string(60000, 'x'));
  });
  EXPECT_LT(lines.size(), 500u);
  EXPECT_THAT(lines, HasSubstr("xxx...\n"));
}

TEST_F(LogTest, KeepsToItsLevel) {
  const std::string lines = Lines("warning", [&](Log& log) {
    log.Info("quiet");
    log.Noted(rule_, session_, "quiet");
    log.Warning("loud");
    log.SetLevel("info");
    log.Info("now {braces} are text");
  });
  EXPECT_THAT(lines, Not(HasSubstr("quiet")));
  EXPECT_THAT(lines, HasSubstr("warning: loud\n"));
  EXPECT_THAT(lines, HasSubstr("info: now {braces} are text\n"));
}

TEST_F(LogTest, CountsWhatAFloodOfDecisionsMayNotWrite) {
  constexpr size_t kDecisions = 5000;
  const std::string lines = Lines("info", [&](Log& log) {
    for (size_t i = 0; i < kDecisions; ++i) log.Noted(rule_, session_, "flood");
  });
  const auto written =
      static_cast<uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
  EXPECT_GE(written, 1000u);
  EXPECT_LT(written, kDecisions) << "5,000 lines in more than four seconds?";
  const uint64_t left_out =
      statistics_.Snapshot()
          .counters[static_cast<size_t>(policy::Counter::kLogDropped)];
  EXPECT_GE(written + left_out, kDecisions);
}

// Standard error is a pipe that nobody reads yet: the background thread stands
// still, and the queue runs full.
TEST_F(LogTest, DropsLinesRatherThanWaitAndCountsThem) {
  constexpr size_t kLines = 20000;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const int saved = dup(STDERR_FILENO);
  dup2(ends[1], STDERR_FILENO);
  size_t written = 0;
  std::thread reader;
  {
    Log log("info", statistics_);
    for (size_t i = 0; i < kLines; ++i) log.Info("a line");
    reader = std::thread([&] {
      char buffer[4096];
      for (ssize_t got; (got = read(ends[0], buffer, sizeof buffer)) > 0;) {
        written += static_cast<size_t>(std::count(buffer, buffer + got, '\n'));
      }
    });
  }
  dup2(saved, STDERR_FILENO);
  close(ends[1]);
  reader.join();
  close(saved);
  close(ends[0]);
  const uint64_t dropped =
      statistics_.Snapshot()
          .counters[static_cast<size_t>(policy::Counter::kLogDropped)];
  EXPECT_GT(dropped, 0u);
  EXPECT_EQ(written + dropped, kLines);
}

}  // namespace
}  // namespace gate::milter
