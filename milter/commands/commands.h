// One function a subcommand; main.cc parses the flags (CLI11) and calls them.
// Results on stdout, messages on stderr; exit 0, 1 (findings), 2 (usage).
#pragma once

#include <string>
#include <vector>

#include "milter/daemon.h"

namespace gate::milter::commands {

inline constexpr int kOk = 0;
inline constexpr int kFindings = 1;
inline constexpr int kUsage = 2;

int RunServe(const DaemonOptions& options);
int RunCheck(const std::vector<std::string>& files, bool json);
int RunTest(const std::vector<std::string>& files);

struct AskOptions {
  std::string policy_file = kDefaultPolicyFile;
  std::string session_file;  // empty or "-": stdin
  bool trace = false;
  bool json = false;
};
int RunAsk(const AskOptions& options);

// `control`: the address of --control; empty: that of the policy file.
struct ControlOptions {
  std::string policy_file = kDefaultPolicyFile;
  std::string control;
  bool json = false;
};
std::string ControlAddress(const ControlOptions& options);
int RunReload(const ControlOptions& options);

struct StatsOptions {
  ControlOptions control;
  std::string since;  // "1h", "24h"; empty: in all
  std::string by = "rule";
};
int RunStats(const StatsOptions& options);

struct TailOptions {
  ControlOptions control;
  size_t lines = 10;      // of the latest, at first
  bool once = false;      // those alone
  std::string rule;       // label; empty: any
  std::string client;     // address or network; empty: any
  bool rejected = false;  // no accepts, shadows, repeats
};
// Until it is stopped by a signal.
int RunTail(const TailOptions& options);

struct PingOptions {
  ControlOptions control;
  std::vector<std::string> sockets;  // empty: those of the policy file
  unsigned timeout_s = 5;            // for each socket
};
// Besides, 2 when a milter socket does not answer.
int RunPing(const PingOptions& options);

struct WhyOptions {
  std::string policy_file = kDefaultPolicyFile;
  std::string query;    // as people have it
  size_t last = 0;      // not 0: the latest, whatever they are
  size_t most = 20;     // records
  int64_t hours = 0;    // not 0: of the last ones alone
  std::string journal;  // folder; empty: that of the policy file
  bool now = false;     // also what the policy file says now
  bool json = false;
};
int RunWhy(const WhyOptions& options);

int RunFacts(bool json);
int RunVersion();

}  // namespace gate::milter::commands
