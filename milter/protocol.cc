#include "milter/protocol.h"

#include <endian.h>

#include <algorithm>
#include <cstring>

namespace gate::milter {
namespace {

// SMFIA_*: the family of the client's address.
constexpr char kFamilyUnknown = 'U';
constexpr char kFamilyUnix = 'L';
constexpr char kFamilyIpv4 = '4';
constexpr char kFamilyIpv6 = '6';

uint32_t NumberAt(std::string_view bytes, size_t at) {
  uint32_t number = 0;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return be32toh(number);
}

void AppendNumber(uint32_t number, std::string& out) {
  number = htobe32(number);
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void AppendText(std::string_view text, std::string& out) {
  out.append(text);
  out.push_back('\0');
}

// Takes a text and its NUL off `data`.
std::optional<std::string_view> TakeText(std::string_view& data) {
  const size_t end = data.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view text = data.substr(0, end);
  data.remove_prefix(end + 1);
  return text;
}

// A packet whose length is known when it has been written.
class PacketWriter {
 public:
  PacketWriter(char command, std::string& out) : out_(out), begin_(out.size()) {
    AppendNumber(0, out_);
    out_.push_back(command);
  }
  ~PacketWriter() {
    const size_t size = out_.size() - begin_ - kPacketHead;
    const uint32_t length = htobe32(static_cast<uint32_t>(size));
    std::memcpy(out_.data() + begin_, &length, sizeof length);
  }
  PacketWriter(const PacketWriter&) = delete;
  PacketWriter& operator=(const PacketWriter&) = delete;

 private:
  std::string& out_;
  const size_t begin_;
};

}  // namespace

Split TakePacket(std::string_view& bytes, Packet& packet) {
  if (bytes.size() < kPacketHead) return Split::kIncomplete;
  const size_t length = NumberAt(bytes, 0);
  if (length == 0) return Split::kEmpty;
  if (length - 1 > kMaxPacketData) return Split::kTooBig;
  if (bytes.size() - kPacketHead < length) return Split::kIncomplete;
  packet.command = bytes[kPacketHead];
  packet.data = bytes.substr(kPacketHead + 1, length - 1);
  bytes.remove_prefix(kPacketHead + length);
  return Split::kPacket;
}

std::optional<Offer> DecodeOffer(std::string_view data) {
  if (data.size() < 12) return std::nullopt;
  return Offer{
      .version = NumberAt(data, 0),
      .features = {.actions = NumberAt(data, 4), .steps = NumberAt(data, 8)}};
}

std::optional<ConnectArguments> DecodeConnect(std::string_view data) {
  ConnectArguments connect;
  const std::optional<std::string_view> host = TakeText(data);
  if (!host || data.empty()) return std::nullopt;
  connect.host = *host;
  const char family = data[0];
  data.remove_prefix(1);
  if (family == kFamilyUnknown) return connect;
  if (data.size() < 2) return std::nullopt;
  connect.port = static_cast<uint16_t>(static_cast<uint8_t>(data[0]) << 8 |
                                       static_cast<uint8_t>(data[1]));
  data.remove_prefix(2);
  std::optional<std::string_view> text = TakeText(data);
  if (!text) return std::nullopt;
  if (family == kFamilyUnix) return connect;
  if (family != kFamilyIpv4 && family != kFamilyIpv6) return std::nullopt;
  // Sendmail writes "IPv6:" in front of an address of that family.
  constexpr std::string_view kPrefix = "IPv6:";
  if (text->starts_with(kPrefix)) text->remove_prefix(kPrefix.size());
  // A link-local address may name its interface.
  connect.address = rules::IpAddress::Parse(text->substr(0, text->find('%')));
  if (!connect.address) return std::nullopt;
  return connect;
}

std::optional<std::string_view> DecodeText(std::string_view data) {
  return TakeText(data);
}

std::optional<std::string_view> DecodePath(
    std::string_view data, std::vector<std::string_view>& parameters) {
  parameters.clear();
  const std::optional<std::string_view> path = TakeText(data);
  if (!path) return std::nullopt;
  while (!data.empty()) {
    const std::optional<std::string_view> parameter = TakeText(data);
    if (!parameter) return std::nullopt;
    parameters.push_back(*parameter);
  }
  return path;
}

std::optional<HeaderField> DecodeHeader(std::string_view data) {
  const std::optional<std::string_view> name = TakeText(data);
  if (!name) return std::nullopt;
  const std::optional<std::string_view> value = TakeText(data);
  if (!value) return std::nullopt;
  return HeaderField{.name = *name, .value = *value};
}

std::optional<MacroBlock> DecodeMacros(std::string_view data) {
  if (data.empty()) return std::nullopt;
  const MacroBlock block{.command = data[0], .pairs = data.substr(1)};
  if (!block.pairs.empty() && block.pairs.back() != '\0') return std::nullopt;
  if (std::ranges::count(block.pairs, '\0') % 2 != 0) return std::nullopt;
  return block;
}

bool TakeMacro(std::string_view& pairs, std::string_view& name,
               std::string_view& value) {
  const std::optional<std::string_view> first = TakeText(pairs);
  if (!first) return false;
  const std::optional<std::string_view> second = TakeText(pairs);
  if (!second) return false;
  name = *first;
  value = *second;
  return true;
}

void AppendNegotiation(uint32_t version, const Features& wanted,
                       std::span<const MacroList> lists, std::string& out) {
  const PacketWriter packet(static_cast<char>(Command::kNegotiate), out);
  AppendNumber(version, out);
  AppendNumber(wanted.actions, out);
  AppendNumber(wanted.steps, out);
  for (const MacroList& list : lists) {
    AppendNumber(static_cast<uint32_t>(list.place), out);
    for (const std::string& name : list.names) {
      if (&name != list.names.data()) out.push_back(' ');
      out.append(name);
    }
    out.push_back('\0');
  }
}

void AppendReply(ReplyCommand reply, std::string& out) {
  const PacketWriter packet(static_cast<char>(reply), out);
}

void AppendReplyCode(const Reply& reply, std::string& out) {
  const PacketWriter packet(static_cast<char>(ReplyCommand::kReplyCode), out);
  for (size_t i = 0; i < reply.line_count; ++i) {
    const bool last = i + 1 == reply.line_count;
    out.append(reply.code).push_back(last ? ' ' : '-');
    out.append(reply.enhanced).push_back(' ');
    out.append(reply.lines[i]);
    if (!last) out.append("\r\n");
  }
  out.push_back('\0');
}

void AppendAddHeader(std::string_view name, std::string_view value,
                     std::string& out) {
  const PacketWriter packet(static_cast<char>(ReplyCommand::kAddHeader), out);
  AppendText(name, out);
  AppendText(value, out);
}

void AppendRemoveHeader(std::string_view name, uint32_t instance,
                        std::string& out) {
  const PacketWriter packet(static_cast<char>(ReplyCommand::kChangeHeader),
                            out);
  AppendNumber(instance, out);
  AppendText(name, out);
  AppendText({}, out);
}

void AppendQuarantine(std::string_view reason, std::string& out) {
  const PacketWriter packet(static_cast<char>(ReplyCommand::kQuarantine), out);
  AppendText(reason, out);
}

}  // namespace gate::milter
