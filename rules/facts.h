// The vocabulary: every fact with name, type, earliest stage, origin and a
// one-line description (style S28). The checker, suggestions, `gatemilter
// facts`, the door's macro lists and the manual's test all read this table.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace gate::rules {

// In the order of SMTP: a fact of a stage is known at it and at later ones.
enum class Stage : uint8_t {
  kConnect,
  kHelo,
  kMail,
  kRcpt,
  kData,
  kHeaders,
  kMessage,
};
inline constexpr size_t kStageCount = 7;
std::string_view StageName(Stage stage);  // "connect", ...
std::optional<Stage> FindStage(std::string_view name);

enum class FactType : uint8_t {
  kText,      // compared byte by byte
  kDomain,    // text in the normal form of domain_name.h
  kMailbox,   // text in the normal form of mail_address.h; <> is ""
  kAddress,   // IpAddress
  kNetwork,   // IpPrefix
  kNumber,    // int64
  kSize,      // int64, bytes
  kDuration,  // int64, microseconds
  kFlag,      // present or absent
};
std::string_view FactTypeName(FactType type);

// How values of a type are kept.
enum class ValueKind : uint8_t { kText, kPrefix, kNumber, kNone };
constexpr ValueKind KindOf(FactType type) {
  switch (type) {
    case FactType::kText:
    case FactType::kDomain:
    case FactType::kMailbox:
      return ValueKind::kText;
    case FactType::kAddress:
    case FactType::kNetwork:
      return ValueKind::kPrefix;
    case FactType::kNumber:
    case FactType::kSize:
    case FactType::kDuration:
      return ValueKind::kNumber;
    case FactType::kFlag:
      break;
  }
  return ValueKind::kNone;
}

enum class FactId : uint8_t {
  kClientIp,
  kClientNetwork,
  kClientName,
  kClientPtr,
  kClientPort,
  kClientResolve,
  kServerName,
  kServerAddress,
  kServerPort,
  kServerHost,
  kDaemon,
  kListener,
  kSessionLocal,
  kHelo,
  kTlsVersion,
  kTlsCipher,
  kTlsBits,
  kTlsCertSubject,
  kTlsCertIssuer,
  kTlsCertVerified,
  kAuthMethod,
  kAuthUser,
  kAuthAuthor,
  kSender,
  kSenderLocal,
  kSenderDomain,
  kSenderRaw,
  kSenderSize,
  kSenderBody,
  kSenderSmtputf8,
  kSenderRet,
  kSenderEnvid,
  kSenderAuth,
  kRcpt,
  kRcptLocal,
  kRcptDomain,
  kRcptRaw,
  kRcptRouted,
  kRcptMailer,
  kRcptCount,
  kRcptRejected,
  kRcptNotify,
  kRcptOrcpt,
  kFrom,
  kFromDomain,
  kFromCount,
  kHeader,       // header["Name"]: texts, one an instance
  kHeaderCount,  // header.count["Name"]: a number
  kMessageSize,
  kBody,
  kQueueId,
  kTimeHour,
  kTimeWeekday,
};
inline constexpr size_t kFactCount =
    static_cast<size_t>(FactId::kTimeWeekday) + 1;
using FactBits = std::bitset<kFactCount>;  // index = FactId
static_assert(kFactCount <= 64, "a set of facts is one word");
// A fact's place among those of its ValueKind: 0, 1, ... Index = FactId.
extern const std::array<uint8_t, kFactCount> kFactPlaces;

// Where the value comes from.
enum class FactOrigin : uint8_t { kCommand, kMacro, kContent, kEngine };

struct FactInfo {
  FactId id;
  std::string_view name;  // "client.ip"
  FactType type;
  Stage stage;  // known from this stage on
  FactOrigin origin;
  // The macros that make the value, the preferred one first, as
  // smfi_setsymlist writes them ("{client_ptr}", "j"), separated by spaces;
  // empty: none. policy/session_facts knows how several make one value
  // (client.name: {client_name} if {client_resolve} is OK) and what of the
  // command is the fallback (sender: {mail_addr}, else typed).
  std::string_view macros;
  // The stage whose macro list carries them (usually `stage`). Its event must
  // be negotiated for the macros to come.
  Stage macro_stage;
  // An MTA that knows the macro sends it always: when it is missing at
  // macro_stage the fact is unknown, not absent (design.md section 4).
  bool always_sent;
  bool indexed;  // header["Name"]
  std::string_view description;
};

std::span<const FactInfo> AllFacts();  // index = FactId
const FactInfo& Info(FactId id);
std::optional<FactId> FindFact(std::string_view name);
// Whether the ASCII letters of its values are folded before rules see them:
// domains, mailboxes and their local parts.
bool IsFolded(const FactInfo& info);

}  // namespace gate::rules
