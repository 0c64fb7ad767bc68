// What milters send, in a form that libmilter, Postfix and Sendmail all take
// as it is (facts.md 1): replies (code, enhanced code, text lines) and header
// values. Knows no libmilter.
//
// Of a reply's text control bytes and what is not ASCII become `?`, `%` is
// doubled, long texts are cut at blanks into lines of at most kMaxLine bytes,
// at most kMaxLines; no line begins with a digit, which an MTA could read as
// a code. The reference and the contact follow the text and are never cut off.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/verdict.h"

namespace gate::milter {

struct Reply {
  static constexpr size_t kMaxLine = 400;  // RFC 5321 4.5.3.1.5 says 512 in all
  static constexpr size_t kMaxLines = 32;  // smfi_setmlreply

  std::string code;      // "554"
  std::string enhanced;  // "5.7.1"; of the same class as `code`
  std::vector<std::string> lines;
  size_t line_count = 0;  // of `lines`, in use: memory is kept

  std::span<const std::string> used() const {
    return {lines.data(), line_count};
  }
};

// Requires: verdict.refuses(). A code or enhanced code of another class than
// the action's would make Postfix drop the milter (facts.md 1): the default
// (554 5.7.1, 451 4.7.1) stands in for it.
void EncodeReply(const policy::Verdict& verdict, Reply& reply);

// One line of at most Reply::kMaxLine bytes, cleaned as a reply's text is, but
// `%` stays: the reason of a quarantine.
std::string CleanText(std::string_view text);

// A header value for smfi_addheader: encoded words (RFC 2047) for what is not
// ASCII, folded at 78 where it can be ("\n " in between), no CR, other LF or
// NUL. `name` counts for the width of the first line.
std::string EncodeHeaderValue(std::string_view name, std::string_view value);

}  // namespace gate::milter
