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

// What old MTAs lack. An event exists for an MTA that offers to leave it out:
// Postfix never sends one whose bit it does not offer (np_mask in milter8.c:
// DATA from `milter_protocol = 4` on), and libmilter, which tells callbacks no
// version, judges an MTA by this bit too (st_optionneg in engine.c). All
// others are in version 2 already, but for unknown commands, which no rule
// needs.
struct FeatureSwitch {
  bool Needs::*needed;
  Features feature;
  std::string_view loss;
};
constexpr FeatureSwitch kFeatures[] = {
    {&Needs::add_headers,
     {.actions = kActionAddHeaders},
     "the MTA does not offer to add headers: rules that do so have no effect "
     "there"},
    {&Needs::change_headers,
     {.actions = kActionChangeHeaders},
     "the MTA does not offer to change or remove headers: rules that do so "
     "have no effect there"},
    {&Needs::quarantine,
     {.actions = kActionQuarantine},
     "the MTA does not offer to quarantine messages: rules that do so have no "
     "effect there"},
    {&Needs::rules_at_data,
     {.steps = kStepNoData},
     "the MTA does not offer the event DATA (milter protocol 4 and later): "
     "rules `at data` never run there; for Postfix, in main.cf: "
     "milter_protocol = 6"},
    {&Needs::rejected_recipients,
     {.steps = kStepRejectedRecipients},
     "the MTA does not offer to tell of recipients that it refuses (milter "
     "protocol 6): rcpt.rejected counts those that rules refuse only; for "
     "Postfix, in main.cf: milter_protocol = 6"},
};

Features Needed(const Needs& needs) {
  Features features;
  for (const FeatureSwitch& each : kFeatures) {
    if (!(needs.*each.needed)) continue;
    features.actions |= each.feature.actions;
    features.steps |= each.feature.steps;
  }
  return features;
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
  const uint32_t actions = Needed(needs).actions | kActionSetMacros;
  return {.actions = actions & offered.actions, .steps = steps & offered.steps};
}

Features Missing(const Needs& needs, const Features& offered) {
  const Features needed = Needed(needs);
  return {.actions = needed.actions & ~offered.actions,
          .steps = needed.steps & ~offered.steps};
}

std::vector<std::string_view> Losses(const Features& missing) {
  std::vector<std::string_view> losses;
  for (const FeatureSwitch& each : kFeatures) {
    const Features& feature = each.feature;
    if ((missing.actions & feature.actions) != 0 ||
        (missing.steps & feature.steps) != 0) {
      losses.push_back(each.loss);
    }
  }
  return losses;
}

MacroPlace PlaceOf(rules::Stage stage) {
  constexpr std::array<MacroPlace, rules::kStageCount> kPlaces = {
      MacroPlace::kConnect,     MacroPlace::kHelo, MacroPlace::kMail,
      MacroPlace::kRcpt,        MacroPlace::kData, MacroPlace::kEndOfHeaders,
      MacroPlace::kEndOfMessage};
  return kPlaces[static_cast<size_t>(stage)];
}

}  // namespace gate::milter
