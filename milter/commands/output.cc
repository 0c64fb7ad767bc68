#include "milter/commands/output.h"

#include <unistd.h>

#include <array>
#include <cstdlib>

#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "milter/commands/commands.h"
#include "milter/policy_sockets.h"

namespace gate::milter::commands {
namespace {

bool WantsColour(std::FILE* file) {
  return isatty(fileno(file)) != 0 && std::getenv("NO_COLOR") == nullptr;
}

}  // namespace

void PrintReport(std::FILE* file, std::string_view report) {
  std::string text(report);
  if (WantsColour(file)) {
    absl::StrReplaceAll({{": error: ", ": \033[1;31merror:\033[0m "},
                         {": warning: ", ": \033[1;35mwarning:\033[0m "}},
                        &text);
  }
  std::fputs(text.c_str(), file);
}

void PrintError(const absl::Status& status) {
  absl::FPrintF(stderr, "gatemilter: %s\n", status.message());
}

std::string ControlAddress(const ControlOptions& options) {
  if (!options.control.empty()) return options.control;
  rules::DiskReader reader;
  return FindControlAddress(reader, options.policy_file);
}

std::string Count(size_t number, std::string_view noun) {
  return absl::StrFormat("%d %s%s", number, noun, number == 1 ? "" : "s");
}

}  // namespace gate::milter::commands
