#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "milter/commands/commands.h"
#include "milter/commands/output.h"
#include "milter/policy_loader.h"
#include "rules/diagnostic.h"
#include "rules/source.h"

namespace gate::milter::commands {
namespace {

using Json = nlohmann::ordered_json;

Json PlaceJson(const rules::Sources& sources, const rules::SourceRange& range) {
  const rules::SourceFile& file = sources.file(range.file);
  const rules::LineColumn begin = file.Locate(range.begin);
  const rules::LineColumn end = file.Locate(range.end);
  return {{"file", file.name()},
          {"line", begin.line},
          {"column", begin.column},
          {"end_line", end.line},
          {"end_column", end.column}};
}

Json DiagnosticJson(const rules::Sources& sources,
                    const rules::Diagnostic& diagnostic) {
  Json json = PlaceJson(sources, diagnostic.range);
  json["id"] = rules::IdText(diagnostic.id);
  json["severity"] =
      diagnostic.severity == rules::Severity::kError ? "error" : "warning";
  json["text"] = diagnostic.text;
  json["help"] = diagnostic.help;
  json["notes"] = Json::array();
  for (const rules::Note& note : diagnostic.notes) {
    Json place = PlaceJson(sources, note.range);
    place["text"] = note.text;
    json["notes"].push_back(std::move(place));
  }
  return json;
}

Json FileJson(const std::string& file, const TestedPolicy& tested) {
  Json json = {{"file", file}, {"ok", tested.ok}};
  if (const auto& policy = tested.load.policy) {
    json["rules"] = policy->rules().size();
    json["lists"] = policy->lists().size();
  }
  json["tests"] = {{"passed", tested.tests.passed},
                   {"failed", tested.tests.failed}};
  json["diagnostics"] = Json::array();
  for (const rules::Diagnostic& diagnostic : tested.load.diagnostics.all()) {
    json["diagnostics"].push_back(
        DiagnosticJson(*tested.load.sources, diagnostic));
  }
  json["failed_tests"] = Json::array();
  for (const policy::TestRun::Outcome& outcome : tested.tests.outcomes) {
    if (outcome.ok) continue;
    json["failed_tests"].push_back(
        {{"title", outcome.title}, {"report", outcome.report}});
  }
  return json;
}

void PrintFile(const std::string& file, const TestedPolicy& tested) {
  PrintReport(stderr, tested.report);
  if (!tested.ok) return;
  const rules::Policy& policy = *tested.load.policy;
  // Lists in braces have no name: nobody would find them when counting.
  size_t lists = 0;
  for (const rules::ListInfo& list : policy.lists()) {
    if (!list.name.empty()) ++lists;
  }
  absl::PrintF("%s: ok, %s, %s, %s\n", file,
               Count(policy.rules().size(), "rule"), Count(lists, "list"),
               Count(tested.tests.passed, "test"));
}

}  // namespace

int RunCheck(const std::vector<std::string>& files, bool json) {
  rules::DiskReader reader;
  bool ok = true;
  Json results = Json::array();
  for (const std::string& file : files) {
    const TestedPolicy tested = LoadAndTest(reader, file, {});
    ok = ok && tested.ok;
    if (json) {
      results.push_back(FileJson(file, tested));
    } else {
      PrintFile(file, tested);
    }
  }
  if (json) {
    const Json document = {{"files", std::move(results)}};
    std::puts(document
                  .dump(2, ' ', /*ensure_ascii=*/false,
                        Json::error_handler_t::replace)
                  .c_str());
  }
  return ok ? kOk : kFindings;
}

}  // namespace gate::milter::commands
