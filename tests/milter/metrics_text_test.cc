#include "milter/metrics_text.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "milter/exposition.h"

namespace gate::milter {
namespace {

using rules::Action;
using rules::Stage;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(Exposition, WritesFamiliesWithHelpTypeAndSamples) {
  Exposition out;
  out.Counter("a_total", "What a is.");
  out.Add(3);
  out.Add(uint64_t{1} << 60, {{"x", "1"}, {"y", ""}});
  out.Gauge("b_seconds", "What b is.");
  out.AddSeconds(1'700'000'000'000'005);
  EXPECT_EQ(out.Take(),
            "# HELP a_total What a is.\n"
            "# TYPE a_total counter\n"
            "a_total 3\n"
            "a_total{x=\"1\",y=\"\"} 1152921504606846976\n"
            "# HELP b_seconds What b is.\n"
            "# TYPE b_seconds gauge\n"
            "b_seconds 1700000000.000005\n");
}

TEST(Exposition, EscapesLabelValues) {
  Exposition out;
  out.Gauge("a", "A.");
  out.Add(1, {{"x", "back\\slash \"quote\"\nline \xc3\xa9 \xff"}});
  EXPECT_THAT(out.Take(), HasSubstr("a{x=\"back\\\\slash \\\"quote\\\"\\nline "
                                    "\xc3\xa9 \xef\xbf\xbd\"} 1\n"));
}

TEST(Exposition, AddsBucketsUpInSeconds) {
  Exposition out;
  out.Histogram("h_seconds", "H.");
  out.AddHistogram({.durations = {{.up_to_us = 10, .count = 3},
                                  {.up_to_us = 1'000'000, .count = 2},
                                  {.up_to_us = 0, .count = 1}},
                    .sum_us = 2'500'030},
                   {{"stage", "rcpt"}});
  EXPECT_EQ(out.Take(),
            "# HELP h_seconds H.\n"
            "# TYPE h_seconds histogram\n"
            "h_seconds_bucket{stage=\"rcpt\",le=\"1e-05\"} 3\n"
            "h_seconds_bucket{stage=\"rcpt\",le=\"1\"} 5\n"
            "h_seconds_bucket{stage=\"rcpt\",le=\"+Inf\"} 6\n"
            "h_seconds_sum{stage=\"rcpt\"} 2.500030\n"
            "h_seconds_count{stage=\"rcpt\"} 6\n");
}

policy::RuleCount Rule(Stage stage, const std::string& label, Action action,
                       uint64_t held, bool shadow = false) {
  return {.stage = stage,
          .rule = label,
          .action = action,
          .shadow = shadow,
          .installed = true,
          .held = {.total = held},
          .repeats = {.total = held * 2}};
}

TEST(MetricsText, TellsRulesApartByStageActionAndShadow) {
  StatsReport report;
  report.statistics.rules = {
      Rule(Stage::kConnect, "blocked", Action::kReject, 5),
      Rule(Stage::kConnect, "blocked", Action::kReject, 6, /*shadow=*/true),
      Rule(Stage::kRcpt, "blocked", Action::kDefer, 0)};
  report.statistics.limits = {{.limit = "per_user", .over = {.total = 8}}};
  EXPECT_THAT(
      MetricsText(report),
      AllOf(HasSubstr("gatemilter_verdicts_total{rule=\"blocked\",stage="
                      "\"connect\",action=\"reject\",shadow=\"false\"} 5\n"),
            HasSubstr("gatemilter_verdicts_total{rule=\"blocked\",stage="
                      "\"connect\",action=\"reject\",shadow=\"true\"} 6\n"),
            HasSubstr("gatemilter_verdicts_total{rule=\"blocked\",stage="
                      "\"rcpt\",action=\"defer\",shadow=\"false\"} 0\n"),
            HasSubstr("gatemilter_verdict_repeats_total{rule=\"blocked\",stage="
                      "\"connect\",action=\"reject\",shadow=\"false\"} 10\n"),
            HasSubstr("gatemilter_policy_rules 3\n"),
            HasSubstr("gatemilter_policy_rules_never_held 1\n"),
            HasSubstr("gatemilter_limit_over_total{limit=\"per_user\"} 8\n")));
}

TEST(MetricsText, AddsUpTheRulesBeyondItsBoundWhateverTheirCounts) {
  StatsReport report;
  for (size_t i = 0; i < kMostLabels + 30; ++i) {
    // The last ones count most.
    report.statistics.rules.push_back(
        Rule(Stage::kRcpt, "r" + std::to_string(100'000 + i), Action::kReject,
             i < kMostLabels ? 0 : 10));
  }
  report.statistics.rules.push_back(
      Rule(Stage::kMessage, "tag", Action::kDefer, 7));
  const std::string text = MetricsText(report);
  EXPECT_THAT(
      text,
      AllOf(HasSubstr("{rule=\"r100000\",stage=\"rcpt\""),
            HasSubstr("{rule=\"r100999\",stage=\"rcpt\""),
            Not(HasSubstr("r101000")), Not(HasSubstr("\"tag\"")),
            HasSubstr("gatemilter_verdicts_total{rule=\"(others)\",stage="
                      "\"rcpt\",action=\"reject\",shadow=\"false\"} 300\n"),
            HasSubstr("gatemilter_verdicts_total{rule=\"(others)\",stage="
                      "\"message\",action=\"defer\",shadow=\"false\"} 7\n"),
            HasSubstr("gatemilter_policy_rules 1031\n")));
}

TEST(MetricsText, NoStrangersKeysBecomeLabels) {
  StatsReport report;
  report.top = {{.kind = policy::TopKind::kSender,
                 .list = {.added = 1,
                          .keys = {{.key = "stranger.example", .count = 1}}}}};
  EXPECT_THAT(MetricsText(report), Not(HasSubstr("stranger")));
}

TEST(MetricsText, TellsHowThingsAre) {
  StatsReport report;
  report.version = "1.2.3";
  report.policy_hash = "abc";
  report.policy_file = "/etc/p.rules";
  report.policy_load = 4;
  report.now_us = 1'000'000'000;
  report.started_us = 100'000'000;
  report.policy_loaded_us = 900'000'000;
  report.store = {.name = "redis 127.0.0.1:6379",
                  .why = "no answer within 50 ms",
                  .entries = 3,
                  .evicted = 2};
  report.connections = {{.policy_hash = "abc", .load = 1, .open = 5},
                        {.policy_hash = "abc", .load = 4, .open = 6},
                        {.policy_hash = "old", .load = 2, .open = 7}};
  report.lists = {{.name = "blocked",
                   .type = "networks",
                   .file = "b",
                   .entries = 12,
                   .age_seconds = 13},
                  {.name = "ours", .type = "domains", .entries = 1}};
  report.journal = {.queued_bytes = 1,
                    .queue_bytes = 2,
                    .written = 3,
                    .dropped = 4,
                    .segments = 5,
                    .bytes = 6,
                    .oldest_us = 7'000'000,
                    .fault = "full"};
  report.state = {.fault = "full", .age_seconds = 8};
  report.unknown_facts = {{.fact = "server.host",
                           .macros = "{if_name}",
                           .mta = "Postfix",
                           .events = 9,
                           .rules = {},
                           .mend = {}}};
  const std::string text = MetricsText(report);
  for (const char* line :
       {"gatemilter_build_info{version=\"1.2.3\"} 1",
        "gatemilter_start_time_seconds 100.000000",
        "gatemilter_policy_info{file=\"/etc/p.rules\",hash=\"abc\"} 1",
        "gatemilter_policy_load_timestamp_seconds 900.000000",
        "gatemilter_policy_loads_total 4",
        "gatemilter_store_info{store=\"redis 127.0.0.1:6379\"} 1",
        "gatemilter_store_shared 0",
        "gatemilter_outage 1",
        "gatemilter_store_keys 3",
        "gatemilter_store_evicted_total 2",
        "gatemilter_connections_open{hash=\"abc\"} 11",
        "gatemilter_connections_open{hash=\"old\"} 7",
        "gatemilter_list_entries{list=\"blocked\"} 12",
        "gatemilter_list_entries{list=\"ours\"} 1",
        "gatemilter_list_age_seconds{list=\"blocked\"} 13",
        "gatemilter_journal_queue_bytes 1",
        "gatemilter_journal_queue_limit_bytes 2",
        "gatemilter_journal_records_total 3",
        "gatemilter_journal_dropped_total 4",
        "gatemilter_journal_files 5",
        "gatemilter_journal_size_bytes 6",
        "gatemilter_journal_fault 1",
        "gatemilter_journal_oldest_timestamp_seconds 7.000000",
        "gatemilter_state_fault 1",
        "gatemilter_state_age_seconds 8",
        "gatemilter_unknown_fact_events_total{fact=\"server.host\",mta="
        "\"Postfix\"} 9"}) {
    EXPECT_THAT(text, HasSubstr("\n" + std::string(line) + "\n"));
  }
  EXPECT_THAT(text, Not(HasSubstr("age_seconds{list=\"ours\"")));
}

TEST(MetricsText, TellsEveryCounter) {
  StatsReport report;
  for (size_t i = 0; i < policy::kCounters; ++i) {
    report.statistics.counters[i] = 1000 + i;
  }
  const std::string text = MetricsText(report);
  for (size_t i = 0; i < policy::kCounters; ++i) {
    const auto name = policy::CounterName(static_cast<policy::Counter>(i));
    EXPECT_THAT(text, HasSubstr("\ngatemilter_" + std::string(name) +
                                "_total " + std::to_string(1000 + i) + "\n"));
  }
}

}  // namespace
}  // namespace gate::milter
