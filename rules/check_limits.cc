#include "rules/check_limits.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "rules/check_expression.h"
#include "rules/check_keys.h"
#include "rules/check_literal.h"
#include "rules/check_names.h"
#include "rules/check_stages.h"
#include "rules/facts.h"

namespace gate::rules {
namespace {

constexpr std::array kUnits = {Unit::kConnections, Unit::kMessages,
                               Unit::kRecipients, Unit::kBytes,
                               Unit::kRejections};
// In the order of Outage.
constexpr std::array<std::string_view, 3> kOutages = {"local", "accept",
                                                      "defer"};

// Bounds of the arithmetic: microseconds of a period and units of a window
// stay exact in a double.
constexpr int64_t kMaxPeriod = int64_t{366} * 24 * 3600 * 1'000'000;
constexpr uint64_t kMaxAmount = uint64_t{1} << 50;

// The first unit whose event knows a fact of `stage`.
Unit FittingUnit(Stage stage) {
  for (const Unit unit :
       {Unit::kConnections, Unit::kMessages, Unit::kRecipients}) {
    if (UnitStage(unit) >= stage) return unit;
  }
  return Unit::kRejections;
}

// What the keys can be counted by, for a limit that does not say it.
Unit ProposedUnit(const ast::Limit& limit) {
  Stage latest = Stage::kConnect;
  for (const ast::LimitKey& key : limit.keys) {
    if (key.fact.resolved) {
      latest = std::max(latest, Info(*key.fact.resolved).stage);
    }
  }
  return FittingUnit(latest);
}

void CheckUnit(CheckContext& context, const ast::Limit& limit) {
  if (!limit.unit) {
    context.diagnostics
        .Error(DiagnosticId::kMissingUnit, limit.name.range,
               absl::StrFormat("%s does not say what it counts",
                               Quoted(limit.name.text)))
        .help =
        absl::StrFormat("add `counting %s`", UnitName(ProposedUnit(limit)));
    return;
  }
  if (FindUnit(limit.unit->text)) return;
  std::array<std::string_view, kUnits.size()> known;
  for (size_t i = 0; i < known.size(); ++i) known[i] = UnitName(kUnits[i]);
  ReportUnknown(context, DiagnosticId::kUnknownCountedUnit, "unit", *limit.unit,
                known);
}

void CheckWindow(CheckContext& context, const ast::Limit& limit,
                 const ast::Window& window) {
  std::string fault;
  if (window.is_size && limit.unit && limit.unit->text != "bytes") {
    fault = absl::StrFormat("a rate in bytes for a limit that counts %s",
                            limit.unit->text);
  } else if (window.period_us > kMaxPeriod) {
    fault = "a period is at most 366 days";
  } else if (std::max(window.amount, window.burst.value_or(0)) > kMaxAmount) {
    fault = "a limit allows at most 2^50";
  }
  if (fault.empty()) return;
  context.diagnostics.Error(DiagnosticId::kBadRate, window.range,
                            std::move(fault));
}

void CheckWindows(CheckContext& context, const ast::Limit& limit) {
  if (limit.windows.size() > Limit::kMaxWindows) {
    context.diagnostics.Error(
        DiagnosticId::kTooManyWindows, limit.windows[Limit::kMaxWindows].range,
        absl::StrFormat("a limit has at most %d windows", Limit::kMaxWindows));
  }
  for (size_t i = 0; i < limit.windows.size(); ++i) {
    const ast::Window& window = limit.windows[i];
    CheckWindow(context, limit, window);
    for (size_t j = 0; j < i; ++j) {
      if (limit.windows[j].period_us != window.period_us) continue;
      // Windows are known by their periods.
      context.diagnostics
          .Error(DiagnosticId::kBadRate, window.range,
                 "this period has a window already")
          .notes.push_back({limit.windows[j].range, "the first is here"});
      break;
    }
  }
}

void CheckKeys(CheckContext& context, ast::Limit& limit) {
  for (size_t i = 0; i < limit.keys.size(); ++i) {
    ast::LimitKey& key = limit.keys[i];
    if (!ResolveFact(context, key.fact)) continue;
    if (!CheckKeyFact(context, key.fact)) continue;
    CheckKeyPrefix(context, key.fact, key.prefix);
    for (size_t j = 0; j < i; ++j) {
      const ast::LimitKey& earlier = limit.keys[j];
      if (earlier.fact.resolved != key.fact.resolved) continue;
      context.diagnostics
          .Error(DiagnosticId::kBadKey, key.fact.range,
                 absl::StrFormat("%s is a key already",
                                 Quoted(FactText(key.fact))))
          .notes.push_back({earlier.fact.range, "the first is here"});
      break;
    }
  }
}

}  // namespace

std::optional<Unit> FindUnit(std::string_view name) {
  for (const Unit unit : kUnits) {
    if (UnitName(unit) == name) return unit;
  }
  return std::nullopt;
}

std::optional<Outage> FindOutage(std::string_view name) {
  for (size_t i = 0; i < kOutages.size(); ++i) {
    if (kOutages[i] == name) return static_cast<Outage>(i);
  }
  return std::nullopt;
}

std::span<const std::string_view> OutageNames() { return kOutages; }

void CheckLimit(CheckContext& context, ast::Limit& limit) {
  CheckWindows(context, limit);
  CheckKeys(context, limit);
  CheckUnit(context, limit);
  if (limit.when) CheckExpression(context, *limit.when);
  if (limit.outage && !FindOutage(limit.outage->text)) {
    ReportUnknown(context, DiagnosticId::kUnknownWord, "outage", *limit.outage,
                  kOutages);
  }
}

void CheckLimitStages(CheckContext& context, const ast::Limit& limit) {
  const std::optional<Unit> unit =
      limit.unit ? FindUnit(limit.unit->text) : std::nullopt;
  if (!unit) return;
  const Stage stage = UnitStage(*unit);
  for (const ast::LimitKey& key : limit.keys) {
    if (!key.fact.resolved) continue;
    const FactInfo& fact = Info(*key.fact.resolved);
    if (fact.stage <= stage) continue;
    Diagnostic& fault = context.diagnostics.Error(
        DiagnosticId::kKeyTooLate, key.fact.range,
        absl::StrFormat("%s is known from %s on, %s are counted at %s",
                        Quoted(FactText(key.fact)), StageName(fact.stage),
                        UnitName(*unit), StageName(stage)));
    fault.notes.push_back({limit.unit->range, "the unit is here"});
    fault.help =
        absl::StrFormat("`counting %s`", UnitName(FittingUnit(fact.stage)));
  }
  if (!limit.when) return;
  CheckNoStore(context, *limit.when);
  const std::string what = absl::StrFormat("%s are counted", UnitName(*unit));
  CheckStages(context, *limit.when,
              {.stage = stage, .what = what, .movable = false});
}

}  // namespace gate::rules
