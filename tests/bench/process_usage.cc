#include "tests/bench/process_usage.h"

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace gate::bench {
namespace {

std::string FirstLine(const std::filesystem::path& file) {
  std::string line;
  std::getline(std::ifstream(file), line);
  return line;
}

// What schedstat says first is the time on a processor, in nanoseconds.
int64_t LoopsCpuNs(pid_t process) {
  int64_t all = 0;
  std::error_code none;  // a process or thread that goes away meanwhile
  for (const auto& thread : std::filesystem::directory_iterator(
           "/proc/" + std::to_string(process) + "/task", none)) {
    if (!FirstLine(thread.path() / "comm").starts_with("loop ")) continue;
    all += std::atoll(FirstLine(thread.path() / "schedstat").c_str());
  }
  return all;
}

}  // namespace

// The clock of the process counts in nanoseconds and knows all threads;
// /proc/PID/schedstat knows the first one only, /proc/PID/stat ticks of 10 ms.
ProcessUsage UsageOf(pid_t process) {
  ProcessUsage usage;
  if (process <= 0) return usage;  // 0 would be this process
  clockid_t clock = 0;
  timespec time = {};
  if (clock_getcpuclockid(process, &clock) == 0 &&
      clock_gettime(clock, &time) == 0) {
    usage.cpu_ns = int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  }
  usage.loops_cpu_ns = LoopsCpuNs(process);
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:"))
      usage.resident_kb = std::stoll(line.substr(6));
    if (line.starts_with("VmHWM:")) usage.peak_kb = std::stoll(line.substr(6));
  }
  return usage;
}

}  // namespace gate::bench
