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
  // Replaces those for the block's command, and drops those for later ones.
  // A command that has no place among the events keeps nothing.
  void Take(const MacroBlock& block);
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
  // Of each command, in the order of SMTP: where its macros end.
  struct End {
    uint32_t bytes = 0;
    uint32_t entries = 0;
  };
  static constexpr size_t kPlaces = 7;
  static std::optional<size_t> PlaceOf(char command);
  void CutTo(size_t place, End end);
  std::string_view ValueOf(const Entry& entry) const;

  std::string bytes_;
  std::vector<Entry> entries_;
  std::array<End, kPlaces> ends_{};
};

}  // namespace gate::milter
