#include "milter/stats_text.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gate::milter {
namespace {

using policy::Counter;
using rules::Action;
using rules::Stage;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

policy::RuleCount Rule(Stage stage, const std::string& label, Action action,
                       uint64_t held, bool shadow = false) {
  return {.stage = stage,
          .rule = label,
          .action = action,
          .shadow = shadow,
          .installed = true,
          .held = {.total = held, .last_hour = held / 2, .last_day = held},
          .repeats = {}};
}

StatsReport Example() {
  StatsReport report;
  report.version = "1.2.3";
  report.uptime_seconds = 3 * 86'400 + 4 * 3600;
  report.policy_file = "/etc/p.rules";
  report.policy_hash = "abc";
  report.policy_age_seconds = 65;
  report.store = {.name = "redis 127.0.0.1:6379",
                  .why = "no answer within 50 ms",
                  .entries = 1,
                  .evicted = 2};
  report.connections = {{.policy_hash = "old", .load = 1, .open = 2},
                        {.policy_hash = "abc", .load = 2, .open = 5}};
  report.lists = {{.name = "blocked",
                   .type = "networks",
                   .file = "/etc/b",
                   .entries = 12,
                   .age_seconds = 3700}};
  report.journal = {.folder = "/j",
                    .queued_bytes = 512,
                    .queue_bytes = 2,
                    .dropped = 4,
                    .segments = 1,
                    .bytes = 3 << 20,
                    .fault = "/j: No space left"};
  report.state = {.folder = "/s", .fault = "/s: full", .age_seconds = 7};
  policy::StatisticsSnapshot& statistics = report.statistics;
  statistics.rules = {Rule(Stage::kHelo, "never", Action::kReject, 0),
                      Rule(Stage::kRcpt, "relay", Action::kReject, 30),
                      Rule(Stage::kRcpt, "fast", Action::kDefer, 10),
                      Rule(Stage::kRcpt, "ours", Action::kAccept, 5),
                      Rule(Stage::kMail, "trial", Action::kReject, 6, true)};
  statistics.rules[1].repeats.total = 3;
  statistics.limits = {{.limit = "per_user", .over = {.total = 8}}};
  const auto failures = static_cast<size_t>(Counter::kFailures);
  statistics.counters[failures] = 9;
  statistics.counter_series[failures] = {.minutes = {}, .tens = {1, 1}};
  statistics.events[3] = {.durations = {{.up_to_us = 10, .count = 98},
                                        {.up_to_us = 75'000, .count = 2}},
                          .sum_us = 44};
  return report;
}

TEST(StatsText, TellsHowThingsAreThenWhatWasDecided) {
  EXPECT_EQ(StatsText(Example(), {}),
            R"(gatemilter 1.2.3, up 3 d 4 h
policy /etc/p.rules, hash abc, loaded 1 min 5 s ago
WARNING: in the last day gatemilter itself failed (the log says why): 2
connections: 7 open, 2 of them under older policies
store: redis 127.0.0.1:6379, AWAY: no answer within 50 ms; in memory: 1 key, 2 forgotten before their time
journal: /j, 1 file, 3.0 MiB, 512 B waiting, 4 records dropped, FAULT: /j: No space left
state: NOT SAVED for 7 s: /s: full
list blocked: 12 networks of /etc/b, changed 1 h 1 min ago

refused, discarded, quarantined in all: 40
  rcpt     relay (reject)         30  75.0 %  ##############################  +3 repeated
  rcpt     fast (defer)           10  25.0 %  ##########

shadow rules that would have held in all: 6
  mail     trial (reject)          6 100.0 %  ##############################

other rules that held in all: 5
  rcpt     ours (accept)          5 100.0 %  ##############################

limits found over in all: 8
  per_user          8 100.0 %  ##############################

never held:
  helo     never

failures                   9

took up to     events        90 %        99 %      99.9 %
rcpt              100       10 us       75 ms       75 ms
)");
}

TEST(StatsText, KeepsToThePeriod) {
  const std::string text = StatsText(Example(), {.since = StatsPeriod::kHour});
  EXPECT_THAT(text, AllOf(HasSubstr("quarantined in the last hour: 20\n"),
                          HasSubstr("relay (reject)         15  75.0 %"),
                          Not(HasSubstr("took up to"))));
}

TEST(StatsText, ByStageStagesWithoutRefusalsHaveNoBar) {
  const std::string text = StatsText(Example(), {.by = StatsKey::kStage});
  EXPECT_THAT(text, AllOf(HasSubstr("  connect          0   0.0 %\n"),
                          HasSubstr("  rcpt            40 100.0 %  ###")));
}

TEST(StatsText, ByClientSaysHowSureItIs) {
  StatsReport report = Example();
  report.top = {{.kind = policy::TopKind::kClient,
                 .period = policy::TopPeriod::kDay,
                 .list = {.added = 20,
                          .floor = 2,
                          .keys = {{.key = "192.0.2.1", .count = 9, .error = 1},
                                   {.key = "a\x1b[1m", .count = 5}}}}};
  const std::string text = StatsText(report, {.by = StatsKey::kClient});
  EXPECT_THAT(text, HasSubstr("in the last day, by client: 20\n"));
  EXPECT_THAT(text, HasSubstr("  192.0.2.1          9  45.0 %  "
                              "##############################  at least 8\n"));
  EXPECT_THAT(text, HasSubstr("  any other: 2 at most\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b"))) << "a stranger writes on screens";
}

TEST(StatsText, LongTablesEndWithWhatTheOthersComeTo) {
  StatsReport report;
  for (int i = 0; i < 50; ++i) {
    report.statistics.rules.push_back(
        Rule(Stage::kRcpt, "r" + std::to_string(i), Action::kReject, 2));
    report.statistics.rules.push_back(
        Rule(Stage::kMail, "n" + std::to_string(i), Action::kReject, 0));
  }
  const std::string text = StatsText(report, {});
  EXPECT_THAT(text,
              AllOf(HasSubstr("quarantined in all: 100\n"),
                    HasSubstr("  and 10 more with 20; --json has all\n"),
                    HasSubstr(", n19 and 30 more\n"), Not(HasSubstr(" n20"))));
}

TEST(StatsText, SaysThatNothingIsRefused) {
  StatsReport report;
  report.statistics.rules = {
      Rule(Stage::kRcpt, "trial", Action::kReject, 6, true)};
  EXPECT_THAT(StatsText(report, {}),
              HasSubstr("WARNING: all rules are shadow: nothing is refused\n"));
  report.statistics.rules.push_back(
      Rule(Stage::kRcpt, "live", Action::kReject, 0));
  EXPECT_THAT(StatsText(report, {}), Not(HasSubstr("WARNING")));
}

}  // namespace
}  // namespace gate::milter
