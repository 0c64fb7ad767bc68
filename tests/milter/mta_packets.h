// Whole packets as an MTA writes them, and its judgement of what a milter
// answers: for tests and fuzzers. On wire.h, not on milter/protocol.cc, which
// it tests.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "milter/protocol.h"
#include "tests/milter/wire.h"

namespace gate::milter {

struct MtaPacket {
  char command = 0;
  std::string data{};
  friend bool operator==(const MtaPacket&, const MtaPacket&) = default;
};
using MtaMacros = std::vector<std::pair<std::string, std::string>>;

// What Postfix 3.7 offers.
inline constexpr Features kPostfixOffers = {.actions = 0x1ff,
                                            .steps = 0x1fffff};

MtaPacket OfferPacket(const Features& offered = kPostfixOffers,
                      uint32_t version = 6);
// For the next `command` (C H M R T L N E).
MtaPacket MacrosPacket(char command, const MtaMacros& macros);
// `address` without any: family unknown, as for local submission.
MtaPacket ConnectPacket(std::string_view host, std::string_view address,
                        uint16_t port);
// HELO: the name. MAIL, RCPT: path and parameters. A header: name and value.
MtaPacket TextsPacket(char command,
                      std::initializer_list<std::string_view> texts);

std::string Bytes(const MtaPacket& packet);

// The MTA leaves such packets out under what was agreed upon (also the macros
// for such commands).
bool LeftOut(const MtaPacket& packet, const Features& agreed);

// All packets of a milter's answer. nullopt: an MTA could not read one.
std::optional<std::vector<MtaPacket>> ReadAnswer(std::string_view bytes);
// Ends the answer to an event: what follows is the answer to the next.
bool IsVerdict(char command);

}  // namespace gate::milter
