// Values in log lines: no line breaks, no control bytes, quotes around what
// needs them (facts.md section 7).
#pragma once

#include <string>
#include <string_view>

namespace gate::milter {

// `value` as it may stand behind `key=` in a log line: as it is when all of
// it is printable ASCII without blanks, quotes, backslashes and `=`; else in
// quotes, with \" \\ and \xNN for control bytes, invalid UTF-8, and
// characters that break or reorder lines. Empty: "".
void AppendLogQuoted(std::string_view value, std::string& out);
std::string LogQuote(std::string_view value);

// As a JSON string, all of it ASCII; invalid UTF-8 becomes U+FFFD.
void AppendJsonQuoted(std::string_view value, std::string& out);

}  // namespace gate::milter
