#include <algorithm>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "milter/commands/commands.h"
#include "milter/commands/output.h"
#include "policy/scenario.h"
#include "rules/load.h"

namespace gate::milter::commands {
namespace {

using Json = nlohmann::ordered_json;

absl::StatusOr<std::string> ReadSession(rules::FileReader& reader,
                                        const std::string& file) {
  if (!file.empty() && file != "-") return reader.Read(file);
  return std::string(std::istreambuf_iterator<char>(std::cin), {});
}

std::string Reply(const policy::ScenarioEvent& event) {
  if (event.code == 0) return "";
  return absl::StrFormat("%d %s", event.code, event.enhanced);
}

std::string Verdict(const policy::ScenarioEvent& event) {
  if (!event.decided) return "";
  return absl::StrFormat("%s%s", rules::ActionName(event.action),
                         event.kept ? ", kept" : "");
}

// What else came of the event: a line each.
void PrintRest(const policy::ScenarioEvent& event) {
  if (!event.text.empty()) absl::PrintF("    text: %s\n", event.text);
  if (!event.not_given.empty()) {
    absl::PrintF("    not given to a local client: %s\n", event.not_given);
  }
  for (const std::string& rule : event.shadow) {
    absl::PrintF("    shadow: %s\n", rule);
  }
  for (const std::string& text : event.logged) {
    absl::PrintF("    log: %s\n", text);
  }
  for (const std::string& edit : event.edits) {
    absl::PrintF("    edit: %s\n", edit);
  }
}

void PrintTrace(const policy::ScenarioEvent& event) {
  for (const std::string& lookup : event.lookups) {
    absl::PrintF("  %s\n", lookup);
  }
  for (const policy::ScenarioEvent::RuleTrace& rule : event.trace) {
    absl::PrintF("%s", policy::DescribeTrace(rule));
  }
  for (const std::string& effect : event.effects) {
    absl::PrintF("  then %s\n", effect);
  }
}

void PrintText(const policy::ScenarioResult& result, bool trace) {
  int width = 0;
  int rule_width = 0;
  for (const policy::ScenarioEvent& event : result.events) {
    width = std::max(width, static_cast<int>(event.what.size()));
    rule_width = std::max(rule_width, static_cast<int>(event.rule.size()));
  }
  for (const policy::ScenarioEvent& event : result.events) {
    std::string line = absl::StrFormat(
        "%-*s  %-12s  %-9s  %-*s  %s", width, event.what, Verdict(event),
        Reply(event), rule_width, event.rule, event.rule_place);
    line.erase(line.find_last_not_of(' ') + 1);
    absl::PrintF("%s\n", line);
    PrintRest(event);
    if (trace) PrintTrace(event);
  }
}

Json TraceJson(const std::vector<policy::ScenarioEvent::RuleTrace>& trace) {
  const auto truth = [](rules::Truth value) -> Json {
    if (value == rules::Truth::kNeedsStore) return nullptr;
    return value == rules::Truth::kTrue;
  };
  Json json = Json::array();
  for (const policy::ScenarioEvent::RuleTrace& rule : trace) {
    Json conditions = Json::array();
    for (const rules::ConditionTrace& condition : rule.conditions) {
      conditions.push_back({{"text", condition.text},
                            {"values", condition.values},
                            {"entry", condition.entry},
                            {"truth", truth(condition.truth)}});
    }
    json.push_back({{"rule", rule.rule},
                    {"holds", truth(rule.truth)},
                    {"conditions", std::move(conditions)}});
  }
  return json;
}

Json EventJson(const policy::ScenarioEvent& event, bool trace) {
  Json json = {{"event", event.what},
               {"stage", rules::StageName(event.stage)},
               {"verdict", event.decided ? Json(rules::ActionName(event.action))
                                         : Json(nullptr)},
               {"code", event.code},
               {"enhanced", event.enhanced},
               {"text", event.text},
               {"rule", event.rule},
               {"place", event.rule_place},
               {"kept", event.kept},
               {"repeat", event.repeat},
               {"not_given", event.not_given},
               {"shadow", event.shadow},
               {"logged", event.logged},
               {"edits", event.edits},
               {"lookups", event.lookups},
               {"effects", event.effects}};
  if (trace) json["trace"] = TraceJson(event.trace);
  return json;
}

void PrintJson(const policy::ScenarioResult& result, bool trace) {
  Json events = Json::array();
  for (const policy::ScenarioEvent& event : result.events) {
    events.push_back(EventJson(event, trace));
  }
  const Json json = {{"events", std::move(events)},
                     {"failed_expectations", result.failures.size()}};
  std::puts(
      json.dump(2, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace)
          .c_str());
}

}  // namespace

int RunAsk(const AskOptions& options) {
  rules::DiskReader reader;
  const rules::LoadResult load = rules::LoadPolicy(reader, options.policy_file);
  PrintReport(stderr, load.Render());
  absl::StatusOr<std::string> text = ReadSession(reader, options.session_file);
  if (!text.ok()) {
    PrintError(absl::NotFoundError(absl::StrFormat(
        "%s: %s", options.session_file, text.status().message())));
    return kFindings;
  }
  const rules::SessionResult session = rules::ParseSession(
      options.session_file.empty() ? "-" : options.session_file,
      *std::move(text));
  PrintReport(stderr, session.diagnostics.Render(*session.sources));
  if (load.policy == nullptr || session.diagnostics.has_errors()) {
    return kFindings;
  }
  const policy::ScenarioResult result = policy::RunScenario(
      load.policy, session.session, {.trace = options.trace});
  if (options.json) {
    PrintJson(result, options.trace);
  } else {
    PrintText(result, options.trace);
  }
  for (const policy::ScenarioFailure& failure : result.failures) {
    absl::FPrintF(stderr, "%s: not as expected\n%s",
                  session.sources->Describe(failure.range),
                  policy::DescribeFailure(failure));
  }
  return result.failures.empty() ? kOk : kFindings;
}

}  // namespace gate::milter::commands
