// Any bytes, cut at any places, at the native door's dialogue, under a policy
// with limits, rules for headers and body, and edits: what goes back is as the
// protocol says, and nothing comes after the end.
//
// Input: a byte of choices (bit 0: the store answers later; the rest: how long
// the pieces are), then what the MTA says.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/milter/dialogue_stream.h"
#include "tests/milter/generated_dialogue.h"
#include "tests/rules/policy_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gate::milter;
  if (size == 0) return 0;
  static const auto policy = gate::rules::CompileText(kDialoguePolicy);
  DialogueWorld world(policy);
  DialogueMta mta(world);
  DialogueStream stream(world, mta);
  const bool hold = (data[0] & 1) != 0;
  const size_t piece = 1 + (data[0] >> 1) * size_t{16};
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  while (!bytes.empty() && !stream.ended()) {
    const std::string_view next = bytes.substr(0, piece);
    bytes.remove_prefix(next.size());
    const std::string fault = stream.Feed(next, hold);
    if (fault.empty()) continue;
    std::fprintf(stderr, "%s\n", fault.c_str());
    std::abort();
  }
  return 0;
}
