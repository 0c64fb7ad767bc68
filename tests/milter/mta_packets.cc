#include "tests/milter/mta_packets.h"

#include <algorithm>

namespace gate::milter {
namespace {

constexpr size_t kLargestAnswer = 65536;

// So many texts, each with its NUL, and nothing else.
bool IsTexts(std::string_view data, ptrdiff_t count) {
  return data.ends_with('\0') && std::ranges::count(data, '\0') == count;
}

bool IsDigit(char byte) { return byte >= '0' && byte <= '9'; }

// "554-5.7.1 text", of these classes.
bool IsReplyLine(std::string_view line, std::string_view code, char separator) {
  return line.size() >= 10 && line.size() <= 512 && line.starts_with(code) &&
         line[3] == separator && line[4] == code[0] && line[5] == '.' &&
         std::ranges::all_of(
             line, [](char byte) { return byte >= ' ' && byte < 0x7f; });
}

bool IsReplyCode(std::string_view data) {
  if (!IsTexts(data, 1)) return false;
  data.remove_suffix(1);
  const std::string code(data.substr(0, 3));
  if (code.size() < 3 || (code[0] != '4' && code[0] != '5')) return false;
  if (!std::ranges::all_of(code, IsDigit)) return false;
  size_t end = data.find("\r\n");
  for (; end != std::string_view::npos; end = data.find("\r\n")) {
    if (!IsReplyLine(data.substr(0, end), code, '-')) return false;
    data.remove_prefix(end + 2);
  }
  return IsReplyLine(data, code, ' ');
}

// Version, actions, steps; then lists of macros, each with its place.
bool IsNegotiation(std::string_view data) {
  if (data.size() < 12) return false;
  data.remove_prefix(12);
  while (!data.empty()) {
    const size_t end = data.find('\0', 4);
    if (data.size() < 5 || end == std::string_view::npos) return false;
    if (NumberAt(data, 0) > 6) return false;
    data.remove_prefix(end + 1);
  }
  return true;
}

bool IsReadable(const MtaPacket& packet) {
  switch (packet.command) {
    case 'c':
    case 'd':
    case 'r':
    case 's':
    case 't':
      return packet.data.empty();
    case 'y':
      return IsReplyCode(packet.data);
    case 'O':
      return IsNegotiation(packet.data);
    case 'h':
      return IsTexts(packet.data, 2);
    case 'm':
      return packet.data.size() > 4 && NumberAt(packet.data, 0) > 0 &&
             IsTexts(std::string_view(packet.data).substr(4), 2);
    case 'q':
      return IsTexts(packet.data, 1);
    default:
      return false;
  }
}

}  // namespace

MtaPacket OfferPacket(const Features& offered, uint32_t version) {
  return {.command = 'O', .data = NegotiationOffer(offered, version)};
}

MtaPacket MacrosPacket(char command, const MtaMacros& macros) {
  MtaPacket packet{.command = 'D', .data = std::string(1, command)};
  for (const auto& [name, value] : macros) {
    AppendText(name, packet.data);
    AppendText(value, packet.data);
  }
  return packet;
}

MtaPacket ConnectPacket(std::string_view host, std::string_view address,
                        uint16_t port) {
  MtaPacket packet{.command = 'C'};
  AppendClient(host, address, port, packet.data);
  return packet;
}

MtaPacket TextsPacket(char command,
                      std::initializer_list<std::string_view> texts) {
  MtaPacket packet{.command = command};
  for (const std::string_view text : texts) AppendText(text, packet.data);
  return packet;
}

std::string Bytes(const MtaPacket& packet) {
  std::string bytes;
  AppendPacket(packet.command, packet.data, bytes);
  return bytes;
}

bool LeftOut(const MtaPacket& packet, const Features& agreed) {
  static constexpr std::pair<char, uint32_t> kSteps[] = {
      {'C', kStepNoConnect}, {'H', kStepNoHelo},    {'M', kStepNoMail},
      {'R', kStepNoRcpt},    {'T', kStepNoData},    {'L', kStepNoHeaders},
      {'B', kStepNoBody},    {'U', kStepNoUnknown}, {'N', kStepNoEndOfHeaders}};
  const bool macros = packet.command == 'D' && !packet.data.empty();
  const char command = macros ? packet.data[0] : packet.command;
  return std::ranges::any_of(kSteps, [&](const auto& step) {
    return step.first == command && (agreed.steps & step.second) != 0;
  });
}

std::optional<std::vector<MtaPacket>> ReadAnswer(std::string_view bytes) {
  std::vector<MtaPacket> packets;
  while (!bytes.empty()) {
    if (bytes.size() < 5) return std::nullopt;
    const size_t size = NumberAt(bytes, 0);
    bytes.remove_prefix(4);
    if (size == 0 || size > kLargestAnswer || size > bytes.size()) {
      return std::nullopt;
    }
    packets.push_back(
        {.command = bytes[0], .data = std::string(bytes.substr(1, size - 1))});
    if (!IsReadable(packets.back())) return std::nullopt;
    bytes.remove_prefix(size);
  }
  return packets;
}

bool IsVerdict(char command) {
  return std::string_view("cartdsy4f").find(command) != std::string_view::npos;
}

}  // namespace gate::milter
