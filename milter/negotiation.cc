#include "milter/negotiation.h"

#include <array>

namespace gate::milter {
namespace {

using rules::Needs;

struct StepSwitch {
  bool Needs::*needed;
  uint32_t off;
};
constexpr StepSwitch kSteps[] = {
    {&Needs::connect, kStepNoConnect},
    {&Needs::helo, kStepNoHelo},
    {&Needs::mail, kStepNoMail},
    {&Needs::rcpt, kStepNoRcpt},
    {&Needs::data, kStepNoData},
    {&Needs::headers, kStepNoHeaders},
    {&Needs::end_of_headers, kStepNoEndOfHeaders},
    {&Needs::body, kStepNoBody},
};

struct ActionSwitch {
  bool Needs::*needed;
  uint32_t action;
  std::string_view name;
};
constexpr ActionSwitch kActions[] = {
    {&Needs::add_headers, kActionAddHeaders, "add headers"},
    {&Needs::change_headers, kActionChangeHeaders, "change or remove headers"},
    {&Needs::quarantine, kActionQuarantine, "quarantine messages"},
};

uint32_t NeededActions(const Needs& needs) {
  uint32_t actions = 0;
  for (const ActionSwitch& each : kActions) {
    if (needs.*each.needed) actions |= each.action;
  }
  return actions;
}

}  // namespace

Features Choose(const Needs& needs, const Features& offered) {
  uint32_t steps = kStepNoUnknown | kStepSkip;
  for (const StepSwitch& step : kSteps) {
    if (!(needs.*step.needed)) steps |= step.off;
  }
  // Headers are never answered, also those of an MTA that cannot leave them
  // out.
  if (needs.headers || (offered.steps & kStepNoHeaders) == 0) {
    steps |= kStepNoReplyToHeaders;
  }
  if (needs.rejected_recipients) steps |= kStepRejectedRecipients;
  const uint32_t actions = NeededActions(needs) | kActionSetMacros;
  return {.actions = actions & offered.actions, .steps = steps & offered.steps};
}

uint32_t MissingActions(const Needs& needs, const Features& offered) {
  return NeededActions(needs) & ~offered.actions;
}

std::vector<std::string_view> ActionNames(uint32_t actions) {
  std::vector<std::string_view> names;
  for (const ActionSwitch& each : kActions) {
    if ((actions & each.action) != 0) names.push_back(each.name);
  }
  return names;
}

MacroPlace PlaceOf(rules::Stage stage) {
  constexpr std::array<MacroPlace, rules::kStageCount> kPlaces = {
      MacroPlace::kConnect,     MacroPlace::kHelo, MacroPlace::kMail,
      MacroPlace::kRcpt,        MacroPlace::kData, MacroPlace::kEndOfHeaders,
      MacroPlace::kEndOfMessage};
  return kPlaces[static_cast<size_t>(stage)];
}

}  // namespace gate::milter
