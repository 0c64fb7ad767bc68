// A Verdict in the form that milters send: code, enhanced code and text lines
// that libmilter, Postfix and Sendmail all take as they are (facts.md 1).
//
// Control and non-ASCII bytes are cleaned, `%` is doubled, long texts are cut
// into lines of at most kMaxLine bytes at blanks, at most kMaxLines; a line
// never begins with what an MTA could read as a code. Knows no libmilter.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/verdict.h"

namespace gate::milter {

struct Reply {
  static constexpr size_t kMaxLine = 400;  // RFC 5321 4.5.3.1.5 says 512 in all
  static constexpr size_t kMaxLines = 32;  // smfi_setmlreply

  std::string code;      // "554"
  std::string enhanced;  // "5.7.1"
  std::vector<std::string> lines;
  size_t line_count = 0;  // of `lines`, in use: memory is kept
};

// Requires: verdict.refuses().
void EncodeReply(const policy::Verdict& verdict, Reply& reply);

// A header value for smfi_addheader: encoded words (RFC 2047) for what is not
// ASCII, folded at 78 where it can be, no CR, bare LF or NUL.
std::string EncodeHeaderValue(std::string_view name, std::string_view value);

}  // namespace gate::milter
