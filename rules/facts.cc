#include "rules/facts.h"

#include <array>

namespace gate::rules {
namespace {

using enum FactId;
using enum FactType;
using enum FactOrigin;

constexpr std::array<std::string_view, kStageCount> kStageNames = {
    "connect", "helo", "mail", "rcpt", "data", "headers", "message"};

constexpr std::array<std::string_view, 9> kTypeNames = {
    "text",   "domain", "mailbox",  "address", "network",
    "number", "size",   "duration", "flag"};

// A row says what is its own; the rest is what most facts have.
struct Row {
  FactId id;
  std::string_view name;
  FactType type;
  Stage stage;
  FactOrigin origin;
  std::string_view description;
  std::string_view macros = {};
  bool always_sent = false;
  bool indexed = false;
};

constexpr Row kRows[] = {
    // always_sent is set only where an MTA that knows the macro sends it with
    // every such event and no value of the command can stand in for it.
    {kClientIp, "client.ip", kAddress, Stage::kConnect, kCommand,
     "the client's IP address; absent for local submission"},
    {kClientNetwork, "client.network", kNetwork, Stage::kConnect, kCommand,
     "the client's IPv4 address, or the /64 of its IPv6 address"},
    {kClientName, "client.name", kDomain, Stage::kConnect, kMacro,
     "the client's host name, only if the MTA verified it (address to name "
     "and back)",
     "{client_name} {client_resolve}"},
    {kClientPtr, "client.ptr", kDomain, Stage::kConnect, kMacro,
     "the name in the client's PTR record, verified or not", "{client_ptr}",
     /*always_sent=*/true},
    {kClientPort, "client.port", kNumber, Stage::kConnect, kMacro,
     "the client's TCP port", "{client_port}"},
    {kClientResolve, "client.resolve", kText, Stage::kConnect, kMacro,
     "how the look-up of the client's name went: OK, FAIL, FORGED or TEMP",
     "{client_resolve}", /*always_sent=*/true},
    {kServerName, "server.name", kDomain, Stage::kConnect, kMacro,
     "the MTA's own host name", "j", /*always_sent=*/true},
    {kServerAddress, "server.address", kAddress, Stage::kConnect, kMacro,
     "the address of the MTA that the client connected to",
     "{if_addr} {daemon_addr}", /*always_sent=*/true},
    {kServerPort, "server.port", kNumber, Stage::kConnect, kMacro,
     "the TCP port of the MTA that the client connected to", "{daemon_port}",
     /*always_sent=*/true},
    {kServerHost, "server.host", kDomain, Stage::kConnect, kMacro,
     "the name of the interface that the client connected to (Postfix never "
     "sends it)",
     "{if_name}", /*always_sent=*/true},
    {kDaemon, "daemon", kText, Stage::kConnect, kMacro,
     "the MTA's name for the listener, such as smtpd or ORIGINATING",
     "{daemon_name}", /*always_sent=*/true},
    {kListener, "listener", kText, Stage::kConnect, kEngine,
     "the name (`set socket ... as`) of the socket that the MTA connected to"},
    {kSessionLocal, "session.local", kFlag, Stage::kConnect, kCommand,
     "the message was submitted on the MTA's own machine without SMTP"},

    {kHelo, "helo", kDomain, Stage::kHelo, kCommand,
     "the name that the client gave in HELO or EHLO"},
    {kTlsVersion, "tls.version", kText, Stage::kHelo, kMacro,
     "the TLS protocol of the connection, such as TLSv1.3; absent without TLS",
     "{tls_version}"},
    {kTlsCipher, "tls.cipher", kText, Stage::kHelo, kMacro,
     "the TLS cipher of the connection", "{cipher}"},
    {kTlsBits, "tls.bits", kNumber, Stage::kHelo, kMacro,
     "the length of the TLS cipher's key in bits", "{cipher_bits}"},
    {kTlsCertSubject, "tls.cert.subject", kText, Stage::kHelo, kMacro,
     "the subject of the client's certificate", "{cert_subject}"},
    {kTlsCertIssuer, "tls.cert.issuer", kText, Stage::kHelo, kMacro,
     "the issuer of the client's certificate", "{cert_issuer}"},
    {kTlsCertVerified, "tls.cert.verified", kFlag, Stage::kHelo, kMacro,
     "the MTA verified the client's certificate", "{verify} {cert_subject} v"},

    {kAuthMethod, "auth.method", kText, Stage::kMail, kMacro,
     "the SASL mechanism of an authenticated client, such as PLAIN",
     "{auth_type}"},
    {kAuthUser, "auth.user", kText, Stage::kMail, kMacro,
     "the login name of an authenticated client", "{auth_authen}"},
    {kAuthAuthor, "auth.author", kText, Stage::kMail, kMacro,
     "the sender that an authenticated client is authorised as",
     "{auth_author}"},
    {kSender, "sender", kMailbox, Stage::kMail, kMacro,
     "the envelope sender as the MTA resolved it; <> for the null sender",
     "{mail_addr}"},
    {kSenderLocal, "sender.local", kText, Stage::kMail, kMacro,
     "the envelope sender's part before the @", "{mail_addr}"},
    {kSenderDomain, "sender.domain", kDomain, Stage::kMail, kMacro,
     "the envelope sender's part after the @", "{mail_addr}"},
    {kSenderRaw, "sender.raw", kText, Stage::kMail, kCommand,
     "the envelope sender as typed in MAIL"},
    {kSenderSize, "sender.size", kSize, Stage::kMail, kCommand,
     "the size in bytes that MAIL declared (SIZE)"},
    {kSenderBody, "sender.body", kText, Stage::kMail, kCommand,
     "the body type that MAIL declared (BODY): 7BIT, 8BITMIME, BINARYMIME"},
    {kSenderSmtputf8, "sender.smtputf8", kFlag, Stage::kMail, kCommand,
     "MAIL asked for internationalised mail (SMTPUTF8)"},
    {kSenderRet, "sender.ret", kText, Stage::kMail, kCommand,
     "what a bounce shall return (RET): FULL or HDRS"},
    {kSenderEnvid, "sender.envid", kText, Stage::kMail, kCommand,
     "the sender's identifier of the envelope (ENVID), decoded"},
    {kSenderAuth, "sender.auth", kText, Stage::kMail, kCommand,
     "who submitted the message first, as MAIL claims (AUTH), decoded"},

    {kRcpt, "rcpt", kMailbox, Stage::kRcpt, kMacro,
     "the recipient as the MTA resolved it", "{rcpt_addr}"},
    {kRcptLocal, "rcpt.local", kText, Stage::kRcpt, kMacro,
     "the recipient's part before the @", "{rcpt_addr}"},
    {kRcptDomain, "rcpt.domain", kDomain, Stage::kRcpt, kMacro,
     "the recipient's part after the @", "{rcpt_addr}"},
    {kRcptRaw, "rcpt.raw", kText, Stage::kRcpt, kCommand,
     "the recipient as typed in RCPT"},
    {kRcptRouted, "rcpt.routed", kFlag, Stage::kRcpt, kMacro,
     "the recipient's local part names a further hop (%, ! or a second @)",
     "{rcpt_addr}"},
    {kRcptMailer, "rcpt.mailer", kText, Stage::kRcpt, kMacro,
     "how the MTA would deliver, such as local, virtual, relay or smtp",
     "{rcpt_mailer}", /*always_sent=*/true},
    {kRcptCount, "rcpt.count", kNumber, Stage::kRcpt, kEngine,
     "recipients of this message accepted before this one"},
    {kRcptRejected, "rcpt.rejected", kNumber, Stage::kRcpt, kEngine,
     "recipients of this message refused so far, by gatemilter or the MTA"},
    {kRcptNotify, "rcpt.notify", kText, Stage::kRcpt, kCommand,
     "when RCPT asks for a notice (NOTIFY): NEVER, SUCCESS, FAILURE, DELAY"},
    {kRcptOrcpt, "rcpt.orcpt", kText, Stage::kRcpt, kCommand,
     "the recipient as first addressed (ORCPT), decoded"},

    {kFrom, "from", kMailbox, Stage::kHeaders, kContent,
     "the first address of the header From"},
    {kFromDomain, "from.domain", kDomain, Stage::kHeaders, kContent,
     "the domain of the first address of the header From"},
    {kFromCount, "from.count", kNumber, Stage::kHeaders, kContent,
     "how many addresses the header From has"},
    {.id = kHeader,
     .name = "header",
     .type = kText,
     .stage = Stage::kHeaders,
     .origin = kContent,
     .description = "header[\"Name\"]: the headers of this name, unfolded and "
                    "decoded",
     .indexed = true},
    {.id = kHeaderCount,
     .name = "header.count",
     .type = kNumber,
     .stage = Stage::kHeaders,
     .origin = kContent,
     .description = "header.count[\"Name\"]: how many headers of this name "
                    "there are",
     .indexed = true},
    {kMessageSize, "message.size", kSize, Stage::kMessage, kContent,
     "the size of the whole message in bytes"},
    {kBody, "body", kText, Stage::kMessage, kContent,
     "the beginning of the body (`set body-limit`), as it came"},
    {kQueueId, "queue.id", kText, Stage::kData, kMacro,
     "the MTA's queue identifier of the message", "i", /*always_sent=*/true},
    {kTimeHour, "time.hour", kNumber, Stage::kConnect, kEngine,
     "the hour of the server's local time, 0 to 23"},
    {kTimeWeekday, "time.weekday", kText, Stage::kConnect, kEngine,
     "the day of the server's local time: Mon Tue Wed Thu Fri Sat Sun"},
};
static_assert(std::size(kRows) == kFactCount);

constexpr std::array<FactInfo, kFactCount> MakeTable() {
  std::array<FactInfo, kFactCount> table{};
  for (size_t i = 0; i < kFactCount; ++i) {
    const Row& row = kRows[i];
    table[i] = {row.id,      row.name,       row.type,  row.stage,
                row.origin,  row.macros,     row.stage, row.always_sent,
                row.indexed, row.description};
  }
  return table;
}
constexpr std::array<FactInfo, kFactCount> kTable = MakeTable();

constexpr bool InOrderOfIds() {
  for (size_t i = 0; i < kFactCount; ++i) {
    if (static_cast<size_t>(kTable[i].id) != i) return false;
  }
  return true;
}
static_assert(InOrderOfIds(), "index = FactId");

constexpr std::array<uint8_t, kFactCount> MakePlaces() {
  std::array<uint8_t, kFactCount> places{};
  std::array<uint8_t, 4> next{};  // index = ValueKind
  for (const FactInfo& info : kTable) {
    places[static_cast<size_t>(info.id)] =
        next[static_cast<size_t>(KindOf(info.type))]++;
  }
  return places;
}

}  // namespace

constinit const std::array<uint8_t, kFactCount> kFactPlaces = MakePlaces();

std::string_view StageName(Stage stage) {
  return kStageNames[static_cast<size_t>(stage)];
}

std::optional<Stage> FindStage(std::string_view name) {
  for (size_t i = 0; i < kStageCount; ++i) {
    if (kStageNames[i] == name) return static_cast<Stage>(i);
  }
  return std::nullopt;
}

std::string_view FactTypeName(FactType type) {
  return kTypeNames[static_cast<size_t>(type)];
}

std::span<const FactInfo> AllFacts() { return kTable; }

const FactInfo& Info(FactId id) { return kTable[static_cast<size_t>(id)]; }

std::optional<FactId> FindFact(std::string_view name) {
  for (const FactInfo& info : kTable) {
    if (info.name == name) return info.id;
  }
  return std::nullopt;
}

bool IsFolded(const FactInfo& info) {
  return info.type == FactType::kDomain || info.type == FactType::kMailbox ||
         info.id == FactId::kSenderLocal || info.id == FactId::kRcptLocal;
}

}  // namespace gate::rules
