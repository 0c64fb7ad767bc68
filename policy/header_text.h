// Header fields as rules see them: RFC 5322 unfolding, RFC 2047 encoded
// words decoded to UTF-8, and the mailboxes of From.
//
// Headers come from strangers: every function here is linear in its input,
// and no output is more than four times as long.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "rules/mail_address.h"

namespace gate::policy {

// Unfolds (RFC 5322 2.2.3), decodes encoded words (RFC 2047; charsets: UTF-8,
// US-ASCII and those of iconv that mail uses; an undecodable word stays as it
// is), makes it valid UTF-8 in one line. Leading and trailing blanks go.
// Reuses `out`. Requires: `raw` is not in `out`.
void DecodeHeader(std::string_view raw, std::string& out);

// The mailboxes of a From field (RFC 5322 3.6.2; groups and comments
// included). `first` gets the first one's address; returns how many there
// are: all that any common reader may take for one, since two readers that
// take different ones are what a forger wants (CVE-2019-16378). Requires:
// raw, not decoded (display names must not become addresses), valid UTF-8.
size_t ParseFrom(std::string_view raw, rules::MailAddress& first);

}  // namespace gate::policy
