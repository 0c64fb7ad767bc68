#include "rules/facts.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "milter/commands/commands.h"

namespace gate::milter::commands {
namespace {

using Json = nlohmann::ordered_json;

std::string_view OriginName(rules::FactOrigin origin) {
  switch (origin) {
    case rules::FactOrigin::kCommand:
      return "command";
    case rules::FactOrigin::kMacro:
      return "macro";
    case rules::FactOrigin::kContent:
      return "content";
    case rules::FactOrigin::kEngine:
      break;
  }
  return "gatemilter";
}

// header["Name"] for the facts that need a name.
std::string WrittenName(const rules::FactInfo& fact) {
  return absl::StrFormat("%s%s", fact.name, fact.indexed ? "[\"Name\"]" : "");
}

void PrintTable() {
  int width = 4;
  for (const rules::FactInfo& fact : rules::AllFacts()) {
    width = std::max(width, static_cast<int>(WrittenName(fact).size()));
  }
  absl::PrintF("%-*s  %-8s  %-7s  %-10s  %s\n", width, "fact", "type", "stage",
               "origin", "description");
  for (const rules::FactInfo& fact : rules::AllFacts()) {
    absl::PrintF("%-*s  %-8s  %-7s  %-10s  %s\n", width, WrittenName(fact),
                 rules::FactTypeName(fact.type), rules::StageName(fact.stage),
                 OriginName(fact.origin), fact.description);
  }
}

void PrintJson() {
  Json json = Json::array();
  for (const rules::FactInfo& fact : rules::AllFacts()) {
    const absl::string_view macros(fact.macros.data(), fact.macros.size());
    const std::vector<std::string> names =
        absl::StrSplit(macros, ' ', absl::SkipEmpty());
    json.push_back({{"name", fact.name},
                    {"indexed", fact.indexed},
                    {"type", rules::FactTypeName(fact.type)},
                    {"stage", rules::StageName(fact.stage)},
                    {"origin", OriginName(fact.origin)},
                    {"macros", names},
                    {"description", fact.description}});
  }
  std::puts(json.dump(2).c_str());
}

}  // namespace

int RunFacts(bool json) {
  if (json) {
    PrintJson();
  } else {
    PrintTable();
  }
  return kOk;
}

}  // namespace gate::milter::commands
