// What to ask of an MTA for a policy: steps and actions of the milter
// protocol, version 6 (libmilter/mfdef.h; docs/xxfi_negotiate.html of
// sendmail). Pure, the same for all doors.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "rules/policy.h"

namespace gate::milter {

// What a milter may do to a message.
inline constexpr uint32_t kActionAddHeaders = 0x01;
inline constexpr uint32_t kActionChangeHeaders = 0x10;
inline constexpr uint32_t kActionQuarantine = 0x20;
inline constexpr uint32_t kActionSetMacros = 0x100;

// Events that the MTA is to leave out, replies that it does not wait for, and
// what else it understands.
inline constexpr uint32_t kStepNoConnect = 0x01;
inline constexpr uint32_t kStepNoHelo = 0x02;
inline constexpr uint32_t kStepNoMail = 0x04;
inline constexpr uint32_t kStepNoRcpt = 0x08;
inline constexpr uint32_t kStepNoBody = 0x10;
inline constexpr uint32_t kStepNoHeaders = 0x20;
inline constexpr uint32_t kStepNoEndOfHeaders = 0x40;
inline constexpr uint32_t kStepNoReplyToHeaders = 0x80;
inline constexpr uint32_t kStepNoUnknown = 0x100;
inline constexpr uint32_t kStepNoData = 0x200;
inline constexpr uint32_t kStepSkip = 0x400;
inline constexpr uint32_t kStepRejectedRecipients = 0x800;

// What an MTA offers, or what it is to be asked for.
struct Features {
  uint32_t actions = 0;
  uint32_t steps = 0;
};

// Never more than is offered, never more than is needed.
Features Choose(const rules::Needs& needs, const Features& offered);

// Needed, but not offered: rules that do it have no effect.
uint32_t LostActions(const rules::Needs& needs, const Features& offered);
// "add headers", ...
std::vector<std::string_view> ActionNames(uint32_t actions);

}  // namespace gate::milter
