// What a load was answered, how fast, and what the filter used for it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/latency.h"
#include "tests/bench/process_usage.h"

namespace gate::bench {

struct LoadReport {
  // Events that have a reply, in the order of a session.
  static constexpr std::string_view kEvents = "OCHMRTLNBE";

  int64_t sessions = 0;
  // Of those, by their kind's name; without the idle ones.
  std::map<std::string, int64_t> kinds;
  double seconds = 0;
  std::array<Latency, kEvents.size()> latency;  // index: as in kEvents
  int64_t changes = 0;  // of messages: headers, quarantine, ...
  int idle = 0;
  int64_t own_cpu_ns =
      0;  // of the load itself: near `seconds`, it is the limit

  // The filter: before everything, when all idle connections were idle, at
  // the end. Zero when its pid was not given.
  ProcessUsage before;
  ProcessUsage settled;
  ProcessUsage after;

  // What was not as it must be; empty when all was.
  std::vector<std::string> faults;
};

std::string ReportText(const LoadReport& report);
// One line.
std::string ReportJson(const LoadReport& report);

}  // namespace gate::bench
