// The real binary: `gatemilter serve` on a policy of the test's, and the
// commands that ask it. GATE_DOOR in the environment: with that door.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/mta/child_process.h"

namespace gate::mta {

// Runs `gatemilter` with these arguments.
Outcome Gatemilter(const std::vector<std::string>& arguments);

// Stops the daemon when it goes away. Thread-compatible.
class GatemilterProcess {
 public:
  struct Options {
    std::string dir;            // for the policy, the log, the control socket
    std::string milter_socket;  // a path; its folder exists
    std::string group;          // whose members may connect
    // A policy file, or its text (written to dir/policy.rules).
    std::string policy_file = {};
    std::string policy = {};
    std::vector<std::string> arguments = {};  // more of them for `serve`
    std::vector<std::string> by = {};         // what runs it: "prlimit", ...
    std::vector<int> sockets = {};            // handed down to it
    bool keep_sockets = false;  // the policy sets milter_socket and others
  };
  explicit GatemilterProcess(const Options& options);
  ~GatemilterProcess() { Stop(); }

  // Empty when it serves; else what is wrong.
  const std::string& fault() const { return fault_; }
  bool Running() { return process_.Running(); }
  pid_t pid() const { return process_.pid(); }
  void Signal(int number) const { process_.Signal(number); }
  // Its exit status.
  int Stop();
  // What it holds in memory (VmRSS), in KiB; -1: it does not run.
  int64_t Memory() const;
  // The account that the daemon runs as.
  std::string Owner() const;

  // The file that `reload` reads.
  const std::string& policy_file() const { return policy_file_; }
  Outcome Reload() const;
  // How often the rule of this stage and label held, as `stats --json` tells
  // it; -1: it names no such rule.
  int64_t RuleCount(const std::string& stage, const std::string& label) const;
  // A counter of `stats --json`; -1: there is none.
  int64_t Count(const std::string& counter) const;
  // Limits are shared: a Redis is named, and it answers.
  bool Shared() const;
  std::string Stats() const;  // as people read it
  std::string StatsJson() const;
  std::string Log() const;

 private:
  std::string Start(const Options& options);
  Outcome Ask(const std::string& command,
              std::vector<std::string> arguments) const;

  std::string policy_file_;
  std::string log_file_;
  std::string control_;
  std::string milter_socket_;
  ChildProcess process_;
  std::string fault_;
};

}  // namespace gate::mta
