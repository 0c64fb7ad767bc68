#include "milter/lost_actions.h"

#include "absl/strings/str_format.h"
#include "milter/negotiation.h"

namespace gate::milter {

void LostActions::Report(uint32_t actions) {
  if (actions == 0) return;
  const uint32_t known = reported_.fetch_or(actions);
  for (const std::string_view lost : ActionNames(actions & ~known)) {
    log_.Warning(
        absl::StrFormat("the MTA does not offer to %s: rules that do so have "
                        "no effect there",
                        lost));
  }
}

}  // namespace gate::milter
