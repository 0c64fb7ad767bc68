// Header fields as rules see them: RFC 5322 unfolding, and RFC 2047 encoded
// words decoded to UTF-8.
//
// Headers come from strangers: linear in the input, and what comes out is at
// most four times as long.
#pragma once

#include <string>
#include <string_view>

namespace gate::policy {

// Unfolds (RFC 5322 2.2.3), decodes encoded words (RFC 2047; the charsets of
// charset.h; an undecodable word stays as it is), makes it valid UTF-8 in one
// line. Leading and trailing blanks go. Nothing is allocated after warm-up
// unless the charset changes. Reuses `out`. Requires: `raw` is not in `out`.
void DecodeHeader(std::string_view raw, std::string& out);

}  // namespace gate::policy
