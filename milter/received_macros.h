// The macros that an MTA has sent on one connection, until they are replaced.
//
// As libmilter keeps them (smfi_getsymval): those for a later command than the
// one under way are gone; the latest command that has a macro gives its value.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "milter/protocol.h"
#include "policy/event.h"

namespace gate::milter {

// Confined to one connection. One string holds all: an idle connection costs
// little, and after warm-up nothing is allocated. Rules ask more often than
// an MTA sends: names are found once.
class ReceivedMacros : public policy::MacroSource {
 public:
  static constexpr size_t kMaxBytes = kMaxPacketData;

  // Replaces those for the block's command, and drops those for later ones.
  // A command that has no place among the events keeps nothing. False: they
  // would be more than kMaxBytes with all others.
  bool Take(const MacroBlock& block);
  // The command came: macros for later ones belong to what was before.
  void Begin(Command command);
  void Clear();

  // "{client_addr}" and "client_addr" are the same, as are "j" and "{j}".
  std::optional<std::string_view> Macro(std::string_view name) const override;

 private:
  // Where a macro stands in bytes_; the name without its braces. A packet has
  // less than 64 KB.
  struct Entry {
    uint32_t name = 0;
    uint16_t name_size = 0;
    uint16_t value_size = 0;
  };
  // The macros for one command: where they begin.
  struct Section {
    uint32_t bytes = 0;
    uint32_t entries = 0;
    uint8_t place = 0;  // of the command, in the order of SMTP
  };
  static constexpr size_t kPlaces = 7;
  static std::optional<uint8_t> PlaceOf(char command);
  // Drops the sections from `place` on.
  void DropFrom(size_t place);
  std::string_view ValueOf(const Entry& entry) const;

  std::string bytes_;
  std::vector<Entry> entries_;
  std::array<Section, kPlaces> sections_{};  // by place
  size_t section_count_ = 0;
};

}  // namespace gate::milter
