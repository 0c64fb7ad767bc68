#include "milter/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace gate::milter {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class LogTest : public ::testing::Test {
 protected:
  // What `write` logs at `level`.
  template <class Function>
  std::string Lines(const std::string& level, Function write,
                    rules::LogFormat format = rules::LogFormat::kText) {
    ::testing::internal::CaptureStderr();
    {
      Log log(level, statistics_, format);
      write(log);
    }
    return ::testing::internal::GetCapturedStderr();
  }

  policy::Statistics statistics_;
};

TEST_F(LogTest, KeepsToItsLevel) {
  const std::string lines = Lines("warning", [&](Log& log) {
    log.Info("quiet");
    log.Warning("loud");
    log.SetLevel("info");
    log.Info("now {braces} are text");
  });
  EXPECT_THAT(lines, Not(HasSubstr("quiet")));
  EXPECT_THAT(lines, HasSubstr("warning: loud\n"));
  EXPECT_THAT(lines, HasSubstr("info: now {braces} are text\n"));
}

TEST_F(LogTest, WritesWhatIsQueuedWhenItIsAsked) {
  ::testing::internal::CaptureStderr();
  Log log("info", statistics_);
  for (int i = 0; i < 1000; ++i) log.Info("line " + std::to_string(i));
  EXPECT_TRUE(log.Flush(absl::Seconds(30)));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("info: line 999\n"));
}

std::vector<nlohmann::json> Objects(const std::string& text) {
  std::vector<nlohmann::json> objects;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    objects.push_back(nlohmann::json::parse(line, nullptr, false));
    EXPECT_TRUE(objects.back().is_object()) << line;
  }
  return objects;
}

TEST_F(LogTest, LinesAreObjectsWhereJsonIsAskedFor) {
  const auto objects = Objects(Lines(
      "info",
      [](Log& log) {
        log.Warning("a \"b\"\nc \xff %v");
        log.Error("worse");
        log.InfoMembers(R"("code":550,"rule":"no")");
      },
      rules::LogFormat::kJson));
  ASSERT_EQ(objects.size(), 3u);
  EXPECT_EQ(objects[0].size(), 3u);
  EXPECT_THAT(objects[0].value("time", ""),
              MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:"
                           "[0-9]{2}[.][0-9]{3}[+-][0-9]{2}:[0-9]{2}"));
  EXPECT_EQ(objects[0].value("level", ""), "warning");
  EXPECT_EQ(objects[0].value("message", ""), "a \"b\"\nc \xef\xbf\xbd %v");
  EXPECT_EQ(objects[1].value("level", ""), "error");
  EXPECT_EQ(objects[2].value("level", ""), "info");
  EXPECT_EQ(objects[2].value("code", 0), 550);
  EXPECT_FALSE(objects[2].contains("message"));
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
