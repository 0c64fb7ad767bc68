// What sessions a load plays: kinds with weights, the events of each kind and
// the verdict that each event must get. Read from a mix file; README.md says
// how it is written.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace gate::bench {

// One event of SMTP, or of a message's content.
struct MixEvent {
  char command = 0;  // as in the milter protocol: C H M R T L N B E
  // In the file's words; `{1-9}` in them stands for a number.
  std::vector<std::string> arguments;
  // How a packet that says the verdict begins: "c", "y554", ...
  std::string expected = "c";
  // Macros that the file names up to here; they go before the MTA's own.
  std::vector<std::pair<std::string, std::string>> macros;
};

struct MixKind {
  std::string name;
  unsigned weight = 1;
  std::vector<MixEvent> events;
};

// Not empty; nor is any kind, and its weight is not 0.
using Mix = std::vector<MixKind>;

absl::StatusOr<Mix> ParseMix(std::string_view text);
absl::StatusOr<Mix> ReadMix(const std::string& path);

// The event's word in a mix file, such as "end-of-message"; 'O': "negotiate".
std::string_view EventName(char command);

}  // namespace gate::bench
