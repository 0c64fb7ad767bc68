// Header fields as rules see them: RFC 5322 unfolding, RFC 2047 encoded
// words decoded to UTF-8, and the mailboxes of From.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "rules/mail_address.h"

namespace gate::policy {

// Unfolds (RFC 5322 2.2.3), decodes encoded words (RFC 2047; UTF-8, US-ASCII,
// ISO-8859-*, windows-125* and what iconv knows; an undecodable word stays as
// it is), makes it valid UTF-8. Leading and trailing blanks go. Reuses `out`.
void DecodeHeader(std::string_view raw, std::string& out);

// The mailboxes of a From field (RFC 5322 3.6.2; groups and comments
// included). `first` gets the first one's address; returns how many there
// are. Requires: raw, not decoded (display names must not become addresses).
size_t ParseFrom(std::string_view raw, rules::MailAddress& first);

}  // namespace gate::policy
