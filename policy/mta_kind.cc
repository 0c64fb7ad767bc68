#include "policy/mta_kind.h"

#include <array>

namespace gate::policy {

MtaKind FindMtaKind(std::string_view version) {
  if (version.starts_with("Postfix")) return MtaKind::kPostfix;
  // Every Sendmail that speaks to milters is an 8.
  if (version.starts_with("8.")) return MtaKind::kSendmail;
  return MtaKind::kOther;
}

std::string_view MtaKindName(MtaKind kind) {
  constexpr std::array<std::string_view, kMtaKinds> kNames = {
      "Postfix", "Sendmail", "the MTA"};
  return kNames[static_cast<size_t>(kind)];
}

}  // namespace gate::policy
