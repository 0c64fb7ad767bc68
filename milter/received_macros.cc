#include "milter/received_macros.h"

namespace gate::milter {
namespace {

std::string_view Bare(std::string_view name) {
  if (name.size() > 2 && name.front() == '{' && name.back() == '}') {
    return name.substr(1, name.size() - 2);
  }
  return name;
}

}  // namespace

std::optional<uint8_t> ReceivedMacros::PlaceOf(char command) {
  switch (static_cast<Command>(command)) {
    case Command::kConnect:
      return 0;
    case Command::kHelo:
      return 1;
    case Command::kMail:
      return 2;
    case Command::kRcpt:
      return 3;
    case Command::kData:
      return 4;
    case Command::kHeader:
    case Command::kEndOfHeaders:
      return 5;
    case Command::kBody:
    case Command::kEndOfMessage:
      return 6;
    default:
      return std::nullopt;
  }
}

void ReceivedMacros::DropFrom(size_t place) {
  size_t kept = section_count_;
  while (kept > 0 && sections_[kept - 1].place >= place) --kept;
  if (kept == section_count_) return;
  bytes_.resize(sections_[kept].bytes);
  entries_.resize(sections_[kept].entries);
  section_count_ = kept;
}

bool ReceivedMacros::Take(const MacroBlock& block) {
  const std::optional<uint8_t> place = PlaceOf(block.command);
  if (!place) return true;
  DropFrom(*place);
  if (block.pairs.size() > kMaxBytes - bytes_.size()) return false;
  const auto begin = static_cast<uint32_t>(bytes_.size());
  sections_[section_count_++] = {
      .bytes = begin,
      .entries = static_cast<uint32_t>(entries_.size()),
      .place = *place};
  bytes_.append(block.pairs);
  std::string_view pairs = block.pairs;
  std::string_view name;
  std::string_view value;
  while (TakeMacro(pairs, name, value)) {
    name = Bare(name);
    const auto at = static_cast<uint32_t>(name.data() - block.pairs.data());
    entries_.push_back({.name = begin + at,
                        .name_size = static_cast<uint16_t>(name.size()),
                        .value_size = static_cast<uint16_t>(value.size())});
  }
  return true;
}

void ReceivedMacros::Begin(Command command) {
  const std::optional<uint8_t> place = PlaceOf(static_cast<char>(command));
  if (place) DropFrom(size_t{*place} + 1);
}

void ReceivedMacros::Clear() { DropFrom(0); }

// Behind the NUL of the name, which may have a brace.
std::string_view ReceivedMacros::ValueOf(const Entry& entry) const {
  const size_t end = bytes_.find('\0', entry.name + entry.name_size);
  return std::string_view(bytes_).substr(end + 1, entry.value_size);
}

std::optional<std::string_view> ReceivedMacros::Macro(
    std::string_view name) const {
  name = Bare(name);
  const std::string_view bytes = bytes_;
  // From the latest command back to the first.
  for (size_t i = entries_.size(); i > 0; --i) {
    const Entry& entry = entries_[i - 1];
    if (entry.name_size == name.size() &&
        bytes.substr(entry.name, entry.name_size) == name) {
      return ValueOf(entry);
    }
  }
  return std::nullopt;
}

}  // namespace gate::milter
