// After many sessions with known verdicts all that gatemilter shows agrees
// exactly with what was played: `stats --json`, the page's numbers, the
// metrics and the journal. Top lists are within the bounds that they tell.
//
// GATE_SESSIONS in the environment: so many; GATE_SEED: others; GATE_RATE: so
// many a second.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>

#include "absl/strings/str_format.h"
#include "policy/top_lists.h"
#include "tests/bench/load.h"
#include "tests/exact/journal_counts.h"
#include "tests/exact/visits.h"
#include "tests/milter/http_client.h"
#include "tests/mta/gatemilter_process.h"
#include "tests/mta/temp_dir.h"

namespace gate::exact {
namespace {

using Json = nlohmann::json;

// Sanitizers take ten times as long.
constexpr int64_t kSessions =
    std::string_view(GATE_SANITIZER).empty() ? 100'000 : 20'000;
constexpr int kConnections = 32;
// A second: so that the thread that takes records may wait for a processor for
// a second and none is dropped, whatever else the machine does. 0: full speed.
constexpr int64_t kRate = 5'000;

int64_t NumberFrom(const char* variable, int64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::atoll(text);
}

// A port of 127.0.0.1 that nobody listens on.
uint16_t FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  const bool bound =
      bind(fd, any, size) == 0 && getsockname(fd, any, &size) == 0;
  close(fd);
  return bound ? ntohs(address.sin_port) : 0;
}

// Those that never came are left out: rules that never held are told, too.
RuleCounts WithoutZeros(RuleCounts counts) {
  std::erase_if(counts, [](const auto& entry) { return entry.second == 0; });
  return counts;
}

RuleCounts RulesOf(const Json& stats, const char* figure) {
  RuleCounts counts;
  for (const Json& rule : stats["rules"]) {
    counts[{rule["stage"], rule["rule"], rule["action"], rule["shadow"]}] +=
        rule[figure].get<uint64_t>();
  }
  return WithoutZeros(std::move(counts));
}

Counts LimitsOf(const Json& stats) {
  Counts counts;
  for (const Json& limit : stats["limits"]) {
    counts[limit["limit"]] = limit["count"];
  }
  return counts;
}

// Samples of a metric, those that are 0 left out; by what their line says
// before the number.
Counts SamplesOf(const std::string& metrics, const std::string& name) {
  Counts counts;
  std::istringstream lines(metrics);
  for (std::string line; std::getline(lines, line);) {
    const size_t end = line.rfind(' ');
    const bool is_of =
        line.starts_with(name + '{') || line.starts_with(name + ' ');
    if (!is_of || line.substr(end) == " 0") continue;
    counts[line.substr(0, end)] = std::stoull(line.substr(end));
  }
  return counts;
}

Counts AsSamples(const RuleCounts& rules, const std::string& name) {
  Counts counts;
  for (const auto& [rule, count] : rules) {
    counts[absl::StrFormat(
        R"(%s{rule="%s",stage="%s",action="%s",shadow="%s"})", name, rule.rule,
        rule.stage, rule.action, rule.shadow ? "true" : "false")] = count;
  }
  return counts;
}

class ExactCounts : public testing::Test {
 protected:
  ExactCounts()
      : gate_({.dir = folder_.path(),
               .milter_socket = folder_.path() + "/milter.sock",
               .group = getgrgid(getegid())->gr_name,
               .policy = "set journal \"" + folder_.path() +
                         "/journal\" keep 1d max 4GiB\n"
                         "set journal-sample 100%\n"
                         "set log warning\n"
                         "set metrics \"127.0.0.1:" +
                         std::to_string(port_) + "\"\n" +
                         std::string(Policy())}) {}

  void Play() {
    ASSERT_EQ(gate_.fault(), "");
    const bench::LoadOptions options{
        .socket = folder_.path() + "/milter.sock",
        .connections = kConnections,
        .sessions = NumberFrom("GATE_SESSIONS", kSessions),
        .rate = static_cast<double>(NumberFrom("GATE_RATE", kRate))};
    const auto report = bench::Load(visits_, options, nullptr).Run();
    ASSERT_TRUE(report.ok()) << report.status();
    ASSERT_THAT(report->faults, testing::IsEmpty());
    ASSERT_EQ(report->sessions, options.sessions);
    std::cout << report->sessions << " sessions in " << report->seconds
              << " s, seed " << seed_ << '\n';
  }
  // When all that was decided has reached those who show and keep it.
  Json AwaitStats() {
    Json stats;
    const auto settled = [&] {
      stats = Json::parse(gate_.StatsJson());
      return stats["journal"]["written"] == Decisions() &&
             RulesOf(stats, "last_hour") == Held();
    };
    EXPECT_TRUE(mta::WaitUntil(settled, std::chrono::seconds(30)))
        << stats["journal"];
    EXPECT_EQ(stats["counters"]["records_dropped"], 0);
    return stats;
  }
  std::string Fetch(const std::string& path) {
    const milter::HttpAnswer answer = milter::HttpClient(port_).Ask(path);
    EXPECT_EQ(answer.status, 200) << path;
    return answer.body;
  }

  const Tallies& tallies() const { return visits_.tallies(); }
  RuleCounts Held() const { return WithoutZeros(tallies().held); }
  RuleCounts Repeats() const { return WithoutZeros(tallies().repeats); }
  // Each is a record: a deciding rule, its kept verdict, or none of both.
  uint64_t Decisions() const {
    uint64_t decisions = tallies().plain;
    for (const auto& [name, count] : tallies().held) {
      const bool notes =
          name.shadow || name.action == "log" || name.action == "add header";
      if (!notes) decisions += count;
    }
    for (const auto& [name, count] : tallies().repeats) decisions += count;
    return decisions;
  }

  void CheckStats(const Json& stats) const {
    EXPECT_EQ(RulesOf(stats, "count"), Held());
    EXPECT_EQ(RulesOf(stats, "last_hour"), Held());
    EXPECT_EQ(RulesOf(stats, "last_day"), Held());
    EXPECT_EQ(RulesOf(stats, "repeats"), Repeats());
    EXPECT_EQ(LimitsOf(stats), tallies().over);
    const Json& counters = stats["counters"];
    EXPECT_EQ(counters["plain_accepts"], tallies().plain);
    EXPECT_EQ(counters["not_given"], tallies().not_given);
    for (const char* none : {"records_dropped", "failures", "out_of_order"}) {
      EXPECT_EQ(counters[none], 0) << none;
    }
    EXPECT_EQ(stats["journal"]["dropped"], 0);
    for (const char* kind : {"client", "sender", "rcpt", "user", "rule"}) {
      // Of fewer keys a list would be exact, and its bounds untried.
      if (std::string_view(kind) != "rule") {
        EXPECT_GT(tallies().top.at(kind).size(), policy::TopLists::kCapacity);
      }
      for (const char* period : {"hour", "day"}) {
        CheckTop(stats["top"][kind][period], tallies().top.at(kind),
                 std::string(kind) + ", " + period);
      }
    }
  }
  void CheckMetrics(const std::string& metrics) const {
    const auto samples = [&metrics](const std::string& name) {
      return SamplesOf(metrics, name);
    };
    const std::string verdicts = "gatemilter_verdicts_total";
    EXPECT_EQ(samples(verdicts), AsSamples(Held(), verdicts));
    const std::string repeats = "gatemilter_verdict_repeats_total";
    EXPECT_EQ(samples(repeats), AsSamples(Repeats(), repeats));
    const auto one = [&samples](const std::string& name) {
      return samples(name)[name];
    };
    EXPECT_EQ(samples("gatemilter_limit_over_total"),
              (Counts{{"gatemilter_limit_over_total{limit=\"pieces\"}",
                       tallies().over.at("pieces")}}));
    EXPECT_EQ(one("gatemilter_plain_accepts_total"), tallies().plain);
    EXPECT_EQ(one("gatemilter_not_given_total"), tallies().not_given);
    EXPECT_EQ(one("gatemilter_journal_records_total"), Decisions());
    EXPECT_EQ(one("gatemilter_records_dropped_total"), 0U);
    EXPECT_EQ(one("gatemilter_journal_dropped_total"), 0U);
  }
  // Each key's true number lies between count - error and count; one that is
  // not in the list came `others_at_most` times at most.
  static void CheckTop(const Json& list, Counts counts,
                       const std::string& what) {
    uint64_t all = 0;
    for (const auto& [key, count] : counts) all += count;
    EXPECT_EQ(list["decisions"], all) << what;
    ASSERT_FALSE(list["keys"].empty()) << what;
    for (const Json& entry : list["keys"]) {
      const std::string key = entry["key"];
      const uint64_t count = entry["count"];
      EXPECT_LE(counts[key], count) << what << ": " << key;
      EXPECT_GE(counts[key], count - entry["error"].get<uint64_t>())
          << what << ": " << key;
      counts.erase(key);
    }
    for (const auto& [key, count] : counts) {
      EXPECT_LE(count, list["others_at_most"]) << what << ": " << key;
    }
  }

  const uint64_t seed_ =
      static_cast<uint64_t>(NumberFrom("GATE_SEED", 20261125));
  const uint16_t port_ = FreePort();
  mta::TempDir folder_;
  Visits visits_{seed_};
  mta::GatemilterProcess gate_;
};

TEST_F(ExactCounts, AgreeWhereverTheyAreShown) {
  ASSERT_NO_FATAL_FAILURE(Play());
  const Json stats = AwaitStats();
  if (HasFailure()) return;  // what follows would say it once more a key
  CheckStats(stats);
  {
    SCOPED_TRACE("the page");
    CheckStats(Json::parse(Fetch("/api/stats")));
  }
  CheckMetrics(Fetch("/metrics"));
  EXPECT_EQ(gate_.Stop(), 0) << gate_.Log();
  const JournalCounts kept = CountJournal(folder_.path() + "/journal");
  EXPECT_EQ(kept.held, Held());
  EXPECT_EQ(kept.repeats, Repeats());
  EXPECT_EQ(kept.plain, tallies().plain);
  EXPECT_EQ(kept.not_given, tallies().not_given);
  EXPECT_EQ(kept.records, Decisions());
}

}  // namespace
}  // namespace gate::exact
