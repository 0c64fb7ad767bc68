// Bytes of the milter protocol as an MTA writes and reads them: a packet is a
// length (4 bytes, network order), a command byte, data; names and values end
// with NUL (libmilter/mfdef.h, docs/ of sendmail). Pure.
#pragma once

#include <arpa/inet.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "milter/negotiation.h"

namespace gate::milter {

inline void AppendNumber(uint32_t number, std::string& out) {
  const uint32_t network = htonl(number);
  out.append(reinterpret_cast<const char*>(&network), sizeof network);
}

// Requires: four bytes of `data` from `at` on.
inline uint32_t NumberAt(std::string_view data, size_t at) {
  uint32_t network = 0;
  std::memcpy(&network, data.data() + at, sizeof network);
  return ntohl(network);
}

inline void AppendText(std::string_view text, std::string& out) {
  out.append(text);
  out.push_back('\0');
}

inline void AppendPacket(char command, std::string_view data,
                         std::string& out) {
  AppendNumber(static_cast<uint32_t>(data.size() + 1), out);
  out.push_back(command);
  out.append(data);
}

// What CONNECT says of a client; without an address: of a family unknown, as
// for local submission.
inline void AppendClient(std::string_view host, std::string_view address,
                         uint16_t port, std::string& out) {
  AppendText(host, out);
  if (address.empty()) {
    out.push_back('U');
    return;
  }
  out.push_back(address.find(':') == std::string_view::npos ? '4' : '6');
  const uint16_t network = htons(port);
  out.append(reinterpret_cast<const char*>(&network), sizeof network);
  AppendText(address, out);
}

inline std::string NegotiationOffer(const Features& offered, uint32_t version) {
  std::string data;
  AppendNumber(version, data);
  AppendNumber(offered.actions, data);
  AppendNumber(offered.steps, data);
  return data;
}

// What a milter answers to the offer. Key of the macros: SMFIM_* (0 connect,
// 1 helo, 2 mail, 3 rcpt, 4 data, 5 end of message, 6 end of headers).
struct NegotiationAnswer {
  Features agreed;
  std::map<int, std::string> macros;
};

// `data`: of a packet 'O'; none: too short.
inline std::optional<NegotiationAnswer> ReadNegotiation(
    const std::string& data) {
  if (data.size() < 12) return std::nullopt;
  NegotiationAnswer answer;
  answer.agreed = {.actions = NumberAt(data, 4), .steps = NumberAt(data, 8)};
  for (size_t at = 12; at + 4 < data.size();) {
    const int place = static_cast<int>(NumberAt(data, at));
    const std::string names = data.c_str() + at + 4;
    answer.macros[place] = names;
    at += 4 + names.size() + 1;
  }
  return answer;
}

}  // namespace gate::milter
