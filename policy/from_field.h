// The mailboxes of a header From.
//
// Rules trust `from`; a forger wants the rule to see one address and the
// reader another (CVE-2019-16378). So this counts everything that any common
// reader may take for an address; more than one is for rules to judge. Linear
// in its input, however unbalanced.
#pragma once

#include <cstddef>
#include <string_view>

#include "rules/mail_address.h"

namespace gate::policy {

// Returns how many mailboxes `raw` (RFC 5322 3.6.2 and 4.4: groups, comments,
// quoted names, obsolete routes) has; `first` gets the first one's address
// and is unchanged when there is none. In angle brackets anything is one;
// elsewhere what has an unquoted @. `a@b <a@b>` is one; of `a@b <c@d>`, which
// is two, c@d is the first. Requires: raw, not decoded (display names must
// not become addresses), valid UTF-8.
size_t ParseFrom(std::string_view raw, rules::MailAddress& first);

}  // namespace gate::policy
