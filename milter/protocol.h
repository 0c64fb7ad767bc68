// The milter protocol, versions 2 to 6: bytes to commands, replies to bytes.
// Pure: knows no socket, no policy, no order of commands.
//
// A packet is its length (4 bytes, network order, without itself), a command
// byte and data. Texts end with NUL; numbers are 4 bytes, network order.
// Source: sendmail's include/libmilter/mfdef.h and libmilter/docs; the layout
// of each command: libmilter/engine.c and sendmail/milter.c; where Postfix
// differs: postfix's src/milter/milter8.c.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "milter/reply.h"
#include "rules/ip_address.h"

namespace gate::milter {

inline constexpr uint32_t kProtocolVersion = 6;     // SMFI_PROT_VERSION
inline constexpr uint32_t kMinProtocolVersion = 2;  // SMFI_PROT_VERSION_MIN

// SMFIC_*: what the MTA says.
enum class Command : char {
  kAbort = 'A',
  kBody = 'B',
  kConnect = 'C',
  kMacros = 'D',
  kEndOfMessage = 'E',
  kHelo = 'H',
  kQuitNewConnection = 'K',
  kHeader = 'L',
  kMail = 'M',
  kEndOfHeaders = 'N',
  kNegotiate = 'O',
  kQuit = 'Q',
  kRcpt = 'R',
  kData = 'T',
  kUnknown = 'U',
};

// SMFIR_*: what the milter says.
enum class ReplyCommand : char {
  kAddRecipient = '+',
  kDeleteRecipient = '-',
  kAddRecipientWithParameters = '2',
  kShutdown = '4',
  kAccept = 'a',
  kReplaceBody = 'b',
  kContinue = 'c',
  kDiscard = 'd',
  kChangeSender = 'e',
  kConnectionFailure = 'f',
  kAddHeader = 'h',
  kInsertHeader = 'i',
  kSetMacros = 'l',
  kChangeHeader = 'm',
  kProgress = 'p',
  kQuarantine = 'q',
  kReject = 'r',
  kSkip = 's',
  kTemporaryFailure = 't',
  kReplyCode = 'y',
};

// SMFIF_*: what a milter may do to a message.
inline constexpr uint32_t kActionAddHeaders = 0x01;
inline constexpr uint32_t kActionChangeBody = 0x02;
inline constexpr uint32_t kActionAddRecipients = 0x04;
inline constexpr uint32_t kActionDeleteRecipients = 0x08;
inline constexpr uint32_t kActionChangeHeaders = 0x10;
inline constexpr uint32_t kActionQuarantine = 0x20;
inline constexpr uint32_t kActionChangeSender = 0x40;
inline constexpr uint32_t kActionAddRecipientsWithParameters = 0x80;
inline constexpr uint32_t kActionSetMacros = 0x100;

// SMFIP_*: events that the MTA is to leave out, replies that it does not wait
// for, and what else it understands.
inline constexpr uint32_t kStepNoConnect = 0x01;
inline constexpr uint32_t kStepNoHelo = 0x02;
inline constexpr uint32_t kStepNoMail = 0x04;
inline constexpr uint32_t kStepNoRcpt = 0x08;
inline constexpr uint32_t kStepNoBody = 0x10;
inline constexpr uint32_t kStepNoHeaders = 0x20;
inline constexpr uint32_t kStepNoEndOfHeaders = 0x40;
inline constexpr uint32_t kStepNoReplyToHeaders = 0x80;
inline constexpr uint32_t kStepNoUnknown = 0x100;
inline constexpr uint32_t kStepNoData = 0x200;
inline constexpr uint32_t kStepSkip = 0x400;
inline constexpr uint32_t kStepRejectedRecipients = 0x800;
inline constexpr uint32_t kStepNoReplyToConnect = 0x1000;
inline constexpr uint32_t kStepNoReplyToHelo = 0x2000;
inline constexpr uint32_t kStepNoReplyToMail = 0x4000;
inline constexpr uint32_t kStepNoReplyToRcpt = 0x8000;
inline constexpr uint32_t kStepNoReplyToData = 0x10000;
inline constexpr uint32_t kStepNoReplyToUnknown = 0x20000;
inline constexpr uint32_t kStepNoReplyToEndOfHeaders = 0x40000;
inline constexpr uint32_t kStepNoReplyToBody = 0x80000;
inline constexpr uint32_t kStepHeaderValueLeadingSpace = 0x100000;
// Packets of up to 256 KB or 1 MB (SMFIP_MDS_*). We never ask for them:
// bodies come in chunks of 64 KB, and headers are shorter.
inline constexpr uint32_t kStepData256K = 0x10000000;
inline constexpr uint32_t kStepData1M = 0x20000000;

// MILTER_MAX_DATA_SIZE: data bytes of a packet without its command.
inline constexpr size_t kMaxPacketData = 65535;
inline constexpr size_t kPacketHead = 4;  // the length

// SMFIM_*: for which command a list of macros is asked.
enum class MacroPlace : uint32_t {
  kConnect = 0,
  kHelo = 1,
  kMail = 2,
  kRcpt = 3,
  kData = 4,
  kEndOfMessage = 5,
  kEndOfHeaders = 6,
};

// What an MTA offers, or what it is to be asked for.
struct Features {
  uint32_t actions = 0;
  uint32_t steps = 0;
};

// --- From the MTA. Views are into the bytes that were given.

struct Packet {
  char command = 0;  // of Command, or any other byte
  std::string_view data;
};

enum class Split : uint8_t {
  kPacket,
  kIncomplete,  // nothing was taken
  kTooBig,      // more than kMaxPacketData; the stream is of no use any more
  kEmpty,       // not even a command; the same
};

// Takes the first packet off `bytes`.
Split TakePacket(std::string_view& bytes, Packet& packet);

// Each decodes the data of one command; nullopt: malformed.

struct Offer {
  uint32_t version = 0;
  Features features;
};
std::optional<Offer> DecodeOffer(std::string_view data);

struct ConnectArguments {
  std::string_view host;
  std::optional<rules::IpAddress> address;  // none: unix or unknown family
  uint16_t port = 0;
};
std::optional<ConnectArguments> DecodeConnect(std::string_view data);

// HELO: one text.
std::optional<std::string_view> DecodeText(std::string_view data);

// MAIL and RCPT: the path, then the parameters. `parameters` is scratch
// memory whose contents are replaced.
std::optional<std::string_view> DecodePath(
    std::string_view data, std::vector<std::string_view>& parameters);

struct HeaderField {
  std::string_view name;
  std::string_view value;
};
std::optional<HeaderField> DecodeHeader(std::string_view data);

// The macros for one command: the command, then names and values by turns; an
// MTA may send none (Postfix does).
struct MacroBlock {
  char command = 0;
  std::string_view pairs;  // "name\0value\0..."
};
std::optional<MacroBlock> DecodeMacros(std::string_view data);
// Takes the first pair off the pairs of a MacroBlock; false: there is none.
bool TakeMacro(std::string_view& pairs, std::string_view& name,
               std::string_view& value);

// --- To the MTA. Each appends one packet to `out`.

struct MacroList {
  MacroPlace place = MacroPlace::kConnect;
  std::span<const std::string> names;
};
void AppendNegotiation(uint32_t version, const Features& wanted,
                       std::span<const MacroList> lists, std::string& out);
void AppendReply(ReplyCommand reply, std::string& out);
// Requires: reply.line_count > 0.
void AppendReplyCode(const Reply& reply, std::string& out);
void AppendAddHeader(std::string_view name, std::string_view value,
                     std::string& out);
// Removes the header: `instance` of this name, from 1.
void AppendRemoveHeader(std::string_view name, uint32_t instance,
                        std::string& out);
void AppendQuarantine(std::string_view reason, std::string& out);

}  // namespace gate::milter
