// Which MTA speaks to us: what it sends and how to change that is its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gate::policy {

enum class MtaKind : uint8_t { kPostfix, kSendmail, kOther };
inline constexpr size_t kMtaKinds = 3;

// By macro v: "Postfix 3.7.11", "8.17.1.9".
MtaKind FindMtaKind(std::string_view version);
// "Postfix", "Sendmail", "the MTA".
std::string_view MtaKindName(MtaKind kind);

}  // namespace gate::policy
