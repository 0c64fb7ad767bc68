// The script that does all of an event's operations inside Redis, in one
// trip: its call, and its answer.
//
// The arithmetic is that of limit_state.h, by Redis's clock; the conformance
// suite holds both to the same behaviour.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "policy/redis_reader.h"
#include "policy/store.h"

namespace gate::policy {

inline constexpr std::string_view kProbeKey = "gate:probe";

// How the script is named in a call: by its SHA-1, which Redis may have
// forgotten (NOSCRIPT), or by its whole text.
enum class ScriptName : uint8_t { kHash, kText };

// Append one command (RESP2) to `out`.
void AppendAsk(ScriptName name, const Batch& batch, std::string& out);
// Effects that concern the stand-in (`local`) are left out; nothing is
// appended, and false returned, when there are no others.
bool AppendPost(ScriptName name, const Effects& effects, std::string& out);
// A call by hash, made by these, as a call by text.
void AppendWithText(std::string_view call, std::string& out);
// Leaves nothing behind, and fails where a charge would fail.
void AppendProbe(std::string& out);

// Fills the answers of the batch; false: this is no answer to it, and nothing
// is filled.
bool TakeAnswers(const RedisReply& reply, Batch& batch);

}  // namespace gate::policy
