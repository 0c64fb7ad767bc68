// mta_load: plays the MTA's side of the milter protocol against a filter,
// checks what it answers, and measures it. README.md explains the figures.
//
// Exit status: 0; 1: an answer was not the expected one; 2: usage, or no
// filter.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <fstream>

#include "tests/bench/load.h"

namespace {

using gate::bench::LoadOptions;
using gate::bench::LoadReport;
using gate::bench::Mix;
using gate::bench::ReplyRecord;

struct Arguments {
  LoadOptions load;
  std::string mix;
  std::string record;
  uint64_t seed = 1;
  bool json = false;
};

void Describe(CLI::App& app, Arguments& arguments) {
  LoadOptions& load = arguments.load;
  app.add_option("--socket", load.socket, "unix socket of the filter")
      ->required();
  app.add_option("--mix", arguments.mix, "file of sessions")->required();
  app.add_option("--connections", load.connections, "sessions at a time")
      ->capture_default_str()
      ->check(CLI::Range(1, 100'000));
  app.add_option("--sessions", load.sessions, "how many sessions");
  app.add_option("--seconds", load.seconds, "how long sessions begin");
  app.add_option("--rate", load.rate,
                 "sessions a second; left out: as fast as answers come");
  app.add_option("--idle", load.idle,
                 "further connections, idle after one session each");
  app.add_option("--seed", arguments.seed, "of what is drawn")
      ->capture_default_str();
  app.add_option("--pid", load.filter, "of the filter: CPU and memory");
  app.add_flag("--do-nothing", load.do_nothing,
               "the filter answers \"continue\" to everything");
  app.add_option("--record", arguments.record,
                 "play one session and write its answers to this file");
  app.add_flag("--json", arguments.json, "one line for programs");
}

int Fail(const std::string& what) {
  std::fprintf(stderr, "mta_load: %s\n", what.c_str());
  return 2;
}

int Report(const LoadReport& report, bool json) {
  const std::string text =
      json ? ReportJson(report) + "\n" : ReportText(report);
  std::fputs(text.c_str(), stdout);
  for (const std::string& fault : report.faults) {
    std::fprintf(stderr, "mta_load: %s\n", fault.c_str());
  }
  return report.faults.empty() ? 0 : 1;
}

int Run(Arguments& arguments) {
  LoadOptions& load = arguments.load;
  if (!arguments.record.empty()) {
    load.sessions = 1;
    load.connections = 1;
  }
  if (load.sessions == 0 && load.seconds <= 0) {
    return Fail("how long? --sessions or --seconds");
  }
  const absl::StatusOr<Mix> mix = gate::bench::ReadMix(arguments.mix);
  if (!mix.ok()) return Fail(std::string(mix.status().message()));
  gate::bench::MixSource source(*mix, arguments.seed);
  ReplyRecord record;
  const bool recording = !arguments.record.empty();
  const absl::StatusOr<LoadReport> report =
      gate::bench::Load(source, load, recording ? &record : nullptr).Run();
  if (!report.ok()) return Fail(std::string(report.status().message()));
  if (recording) std::ofstream(arguments.record) << record.ToText();
  return Report(*report, arguments.json);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    CLI::App app("Plays an MTA's sessions against a milter and measures it.",
                 "mta_load");
    Arguments arguments;
    Describe(app, arguments);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app.exit(error) == 0 ? 0 : 2;
    }
    return Run(arguments);
  } catch (const std::exception& error) {
    return Fail(error.what());
  }
}
