// The command line: flags to the function of a subcommand. The only file that
// knows CLI11.
#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "milter/commands/commands.h"
#include "milter/decision_json.h"

namespace {

namespace commands = gate::milter::commands;

// What the flags say, and the exit code of the subcommand that was run.
struct CommandLine {
  gate::milter::DaemonOptions daemon;
  commands::AskOptions ask;
  commands::ControlOptions control;
  commands::StatsOptions stats;
  commands::TailOptions tail;
  commands::PingOptions ping;
  commands::WhyOptions why;
  std::vector<std::string> files;
  std::string help_command;
  bool json = false;
  int exit_code = commands::kOk;
};

void AddPolicyFlag(CLI::App& command, std::string& file) {
  command.add_option("-c,--config", file, "policy file")
      ->type_name("FILE")
      ->capture_default_str();
}

void AddServe(CLI::App& app, CommandLine& line) {
  CLI::App* command =
      app.add_subcommand("serve", "decide SMTP sessions until stopped");
  AddPolicyFlag(*command, line.daemon.policy_file);
  command->add_flag("--shadow", line.daemon.load.shadow,
                    "all rules are shadow: count and log, refuse nothing");
  command
      ->add_option("--set", line.daemon.load.overrides,
                   "a setting that replaces that of the file, such as "
                   "'socket \"unix:/x\"'; may be repeated")
      ->type_name("SETTING")
      ->allow_extra_args(false);
  command->callback(
      [&line] { line.exit_code = commands::RunServe(line.daemon); });
}

void AddCheckAndTest(CLI::App& app, CommandLine& line) {
  CLI::App* check = app.add_subcommand(
      "check", "report faults of policy files and run their tests");
  check->add_option("FILE", line.files, "policy files")->required();
  check->add_flag("--json", line.json, "for programs");
  check->callback(
      [&line] { line.exit_code = commands::RunCheck(line.files, line.json); });

  CLI::App* test =
      app.add_subcommand("test", "run the tests of policy files, by name");
  test->add_option("FILE", line.files, "policy files")->required();
  test->callback([&line] { line.exit_code = commands::RunTest(line.files); });
}

void AddAsk(CLI::App& app, CommandLine& line) {
  CLI::App* command = app.add_subcommand(
      "ask",
      "say what a policy decides about a session in the words of a test");
  AddPolicyFlag(*command, line.ask.policy_file);
  command->add_option("SESSION", line.ask.session_file,
                      "file with the session; left out or -: stdin");
  command->add_flag("--trace", line.ask.trace,
                    "show every rule tried and its conditions with values");
  command->add_flag("--json", line.ask.json, "for programs");
  command->callback([&line] { line.exit_code = commands::RunAsk(line.ask); });
}

void AddControlFlags(CLI::App& command, commands::ControlOptions& options) {
  AddPolicyFlag(command, options.policy_file);
  command
      .add_option("--control", options.control,
                  "control socket; left out: that of the policy file")
      ->type_name("unix:PATH");
}

void AddTail(CLI::App& app, CommandLine& line) {
  commands::TailOptions& options = line.tail;
  CLI::App* command =
      app.add_subcommand("tail", "show decisions as they happen");
  AddControlFlags(*command, options.control);
  command->add_option("-n,--lines", options.lines, "how many of the latest")
      ->check(CLI::Range(size_t{0}, gate::milter::kMostShown))
      ->capture_default_str();
  command->add_flag("--once", options.once, "those, and no more");
  command->add_option("--rule", options.rule, "of this rule alone");
  command
      ->add_option("--client", options.client,
                   "of this address or network alone")
      ->type_name("ADDRESS[/LENGTH]");
  command->add_flag("--rejected", options.rejected,
                    "refused, discarded or quarantined for real");
  command->add_flag("--json", options.control.json, "for programs");
  command->callback(
      [&options, &line] { line.exit_code = commands::RunTail(options); });
}

void AddPing(CLI::App& app, CommandLine& line) {
  commands::PingOptions& options = line.ping;
  CLI::App* command =
      app.add_subcommand("ping", "whether gatemilter answers, for monitoring");
  AddControlFlags(*command, options.control);
  command->add_option("SOCKET", options.sockets,
                      "milter sockets; left out: those of the policy file");
  command
      ->add_option("--timeout", options.timeout_s,
                   "how long each socket may take")
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 300))
      ->capture_default_str();
  command->callback(
      [&options, &line] { line.exit_code = commands::RunPing(options); });
}

void AddWhy(CLI::App& app, CommandLine& line) {
  commands::WhyOptions& options = line.why;
  CLI::App* command = app.add_subcommand(
      "why", "tell why mail was refused, or what else was decided about it");
  AddPolicyFlag(*command, options.policy_file);
  CLI::Option* query = command->add_option(
      "REFERENCE", options.query,
      "the token in the reply, a queue id, an address or a network");
  command->add_option("--last", options.last, "the latest decisions")
      ->expected(0, 1)
      ->default_str("1")
      ->type_name("N")
      ->excludes(query);
  command->add_option("--most", options.most, "how many, the newest first")
      ->type_name("N")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command->add_option("--hours", options.hours, "of the last hours alone")
      ->type_name("N");
  command->add_option("--journal", options.journal,
                      "folder; left out: that of the policy file");
  command->add_flag("--now", options.now, "also what the policy file says now");
  command->add_flag("--json", options.json, "for programs");
  command->callback([&options, &line, query] {
    if (options.last == 0 && query->empty()) {
      throw CLI::RequiredError("REFERENCE or --last");
    }
    line.exit_code = commands::RunWhy(options);
  });
}

void AddControl(CLI::App& app, CommandLine& line) {
  CLI::App* reload = app.add_subcommand(
      "reload", "make the running gatemilter load its policy anew");
  CLI::App* stats = app.add_subcommand(
      "stats", "what the running gatemilter has decided so far");
  for (CLI::App* command : {reload, stats}) {
    AddControlFlags(*command, line.control);
  }
  stats->add_flag("--json", line.control.json, "for programs: all of it");
  stats->add_option("--since", line.stats.since, "not in all, but since then")
      ->check(CLI::IsMember({"1h", "24h"}));
  stats->add_option("--by", line.stats.by, "by what refusals are told apart")
      ->check(
          CLI::IsMember({"rule", "stage", "client", "sender", "rcpt", "user"}))
      ->capture_default_str();
  reload->callback(
      [&line] { line.exit_code = commands::RunReload(line.control); });
  stats->callback([&line] {
    line.stats.control = line.control;
    line.exit_code = commands::RunStats(line.stats);
  });
}

void AddFactsAndVersion(CLI::App& app, CommandLine& line) {
  CLI::App* facts =
      app.add_subcommand("facts", "the facts that rules can test");
  facts->add_flag("--json", line.json, "for programs");
  facts->callback([&line] { line.exit_code = commands::RunFacts(line.json); });

  app.add_subcommand("version", "print the version")->callback([&line] {
    line.exit_code = commands::RunVersion();
  });
}

void AddHelp(CLI::App& app, CommandLine& line) {
  CLI::App* command = app.add_subcommand("help", "explain a command");
  command->add_option("COMMAND", line.help_command, "the command");
  command->callback([&app, &line] {
    // Not App::help, which would explain the subcommand in use: this one.
    const CLI::App* about = line.help_command.empty()
                                ? &app
                                : app.get_subcommand(line.help_command);
    const std::string name = line.help_command.empty()
                                 ? app.get_name()
                                 : app.get_name() + " " + about->get_name();
    std::cout << app.get_formatter()->make_help(about, name,
                                                CLI::AppFormatMode::Normal);
  });
}

int Run(int argc, char** argv) {
  CLI::App app("gatemilter: a milter that decides SMTP sessions by rules",
               "gatemilter");
  app.require_subcommand(1);
  CommandLine line;
  AddServe(app, line);
  AddCheckAndTest(app, line);
  AddAsk(app, line);
  AddControl(app, line);
  AddTail(app, line);
  AddPing(app, line);
  AddWhy(app, line);
  AddFactsAndVersion(app, line);
  AddHelp(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Error& error) {
    // Help asked for is no error; all else is usage.
    return app.exit(error) == 0 ? commands::kOk : commands::kUsage;
  }
  return line.exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "gatemilter: " << error.what() << "\n";
    return commands::kFindings;
  }
}
