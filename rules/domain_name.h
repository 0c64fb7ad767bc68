// One spelling per domain: folded, A-labels (RFC 5890 with libidn2's IDNA2008
// + TR46), no final dot. Lists, literals and facts all go through here, so
// that they compare byte by byte.
#pragma once

#include <string>
#include <string_view>

namespace gate::rules {

// Puts the normal form of `name` into `out` (reusing its memory; nothing is
// allocated for ASCII names once `out` has grown). What is no domain (a
// literal such as [192.0.2.1], a HELO with odd characters, an IDN that does
// not convert) comes out ASCII-folded: it still compares, it never fails. A
// leading dot, which lists use, stays. Requires: `name` is not in `out`.
void NormalizeDomain(std::string_view name, std::string& out);
std::string NormalizeDomain(std::string_view name);

// Whether `name` (any spelling) is a domain by RFC 5321 4.1.2 after IDN
// conversion, at most 253 bytes, labels of 1-63, the last not all digits (RFC
// 3696 2: an address is none): what a `domains` list takes.
bool IsDomain(std::string_view name);

// Replaces bytes that are no valid UTF-8, and NUL, by U+FFFD, one for each
// maximal subpart (Unicode 15, 3.9); puts the result into `out`, reusing its
// memory. Requires: `text` is not in `out`.
void MakeValidUtf8(std::string_view text, std::string& out);

}  // namespace gate::rules
