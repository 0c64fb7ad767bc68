#include "tests/bench/load_report.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "tests/bench/session_mix.h"

namespace gate::bench {
namespace {

struct Share {
  const char* name;
  double share;
};
constexpr std::array<Share, 4> kShares = {
    {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}}};

Latency All(const LoadReport& report) {
  Latency all;
  for (const Latency& each : report.latency) all.Add(each);
  return all;
}

double CpuUs(const LoadReport& report) {
  if (report.sessions == 0) return 0;
  return static_cast<double>(report.after.cpu_ns - report.settled.cpu_ns) /
         1000 / static_cast<double>(report.sessions);
}

double LoopsCpuUs(const LoadReport& report) {
  if (report.sessions == 0) return 0;
  return static_cast<double>(report.after.loops_cpu_ns -
                             report.settled.loops_cpu_ns) /
         1000 / static_cast<double>(report.sessions);
}

double OwnCpuUs(const LoadReport& report) {
  if (report.sessions == 0) return 0;
  return static_cast<double>(report.own_cpu_ns) / 1000 /
         static_cast<double>(report.sessions);
}

double IdleBytes(const LoadReport& report) {
  if (report.idle == 0) return 0;
  return static_cast<double>(report.settled.resident_kb -
                             report.before.resident_kb) *
         1024 / report.idle;
}

double Rate(const LoadReport& report) {
  return report.seconds > 0
             ? static_cast<double>(report.sessions) / report.seconds
             : 0;
}

nlohmann::json LatencyJson(const Latency& latency) {
  nlohmann::json json = {{"count", latency.count()}, {"max", latency.max_us()}};
  for (const Share& each : kShares) {
    json[each.name] = latency.PercentileUs(each.share);
  }
  return json;
}

std::string LatencyLine(std::string_view name, const Latency& latency) {
  std::string line =
      absl::StrFormat("  %-15s %9d", std::string(name), latency.count());
  for (const Share& each : kShares) {
    line += absl::StrFormat(" %9.1f", latency.PercentileUs(each.share));
  }
  return line + absl::StrFormat(" %9.1f\n", latency.max_us());
}

}  // namespace

std::string ReportText(const LoadReport& report) {
  std::string text = absl::StrFormat(
      "%d sessions in %.2f s: %.0f a second, %.2f us of own CPU each\n",
      report.sessions, report.seconds, Rate(report), OwnCpuUs(report));
  if (report.after.resident_kb > 0) {
    text += absl::StrFormat(
        "filter: %.2f us of CPU a session, %d KB resident, %d KB at most\n",
        CpuUs(report), report.after.resident_kb, report.after.peak_kb);
  }
  if (report.idle > 0) {
    text += absl::StrFormat("%d idle connections: %.0f bytes resident each\n",
                            report.idle, IdleBytes(report));
  }
  text +=
      "  us                  count       p50       p90       p99"
      "     p99.9       max\n";
  for (size_t i = 0; i < report.latency.size(); ++i) {
    if (report.latency[i].count() == 0) continue;
    text += LatencyLine(EventName(LoadReport::kEvents[i]), report.latency[i]);
  }
  return text + LatencyLine("all", All(report));
}

std::string ReportJson(const LoadReport& report) {
  nlohmann::json json = {
      {"sessions", report.sessions},
      {"kinds", report.kinds},
      {"seconds", report.seconds},
      {"sessions_per_second", Rate(report)},
      {"changes", report.changes},
      {"cpu_us_per_session", CpuUs(report)},
      {"loops_cpu_us_per_session", LoopsCpuUs(report)},
      {"own_cpu_us_per_session", OwnCpuUs(report)},
      {"resident_kb", report.after.resident_kb},
      {"peak_kb", report.after.peak_kb},
      {"idle", report.idle},
      {"idle_bytes_each", IdleBytes(report)},
      {"faults", report.faults},
      {"events_us", {{"all", LatencyJson(All(report))}}},
  };
  for (size_t i = 0; i < report.latency.size(); ++i) {
    if (report.latency[i].count() == 0) continue;
    json["events_us"][std::string(EventName(LoadReport::kEvents[i]))] =
        LatencyJson(report.latency[i]);
  }
  return json.dump();
}

}  // namespace gate::bench
