// What all commands print alike. Results go to stdout, messages to stderr.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace gate::milter::commands {

// Diagnostics as the phases render them; `error:` and `warning:` in colour on
// a terminal (unless NO_COLOR is set).
void PrintReport(std::FILE* file, std::string_view report);

// `gatemilter: what went wrong`, to stderr.
void PrintError(const absl::Status& status);

// "1 rule", "12 rules".
std::string Count(size_t number, std::string_view noun);

}  // namespace gate::milter::commands
