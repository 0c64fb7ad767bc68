#include "milter/received_macros.h"

#include <algorithm>

namespace gate::milter {
namespace {

std::string_view Bare(std::string_view name) {
  if (name.size() > 2 && name.front() == '{' && name.back() == '}') {
    return name.substr(1, name.size() - 2);
  }
  return name;
}

}  // namespace

std::optional<size_t> ReceivedMacros::PlaceOf(char command) {
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

void ReceivedMacros::Take(const MacroBlock& block) {
  const std::optional<size_t> place = PlaceOf(block.command);
  if (!place) return;
  bytes_.resize(*place == 0 ? 0 : ends_[*place - 1]);
  bytes_.append(block.pairs);
  std::fill(ends_.begin() + static_cast<ptrdiff_t>(*place), ends_.end(),
            bytes_.size());
}

void ReceivedMacros::Begin(Command command) {
  const std::optional<size_t> place = PlaceOf(static_cast<char>(command));
  if (!place || ends_[*place] == bytes_.size()) return;
  bytes_.resize(ends_[*place]);
  std::fill(ends_.begin() + static_cast<ptrdiff_t>(*place), ends_.end(),
            bytes_.size());
}

void ReceivedMacros::Clear() {
  bytes_.clear();
  ends_.fill(0);
}

std::optional<std::string_view> ReceivedMacros::Macro(
    std::string_view name) const {
  name = Bare(name);
  std::optional<std::string_view> found;
  std::string_view pairs = bytes_;
  std::string_view each;
  std::string_view value;
  // The last one counts: later commands stand behind earlier ones.
  while (TakeMacro(pairs, each, value)) {
    if (Bare(each) == name) found = value;
  }
  return found;
}

}  // namespace gate::milter
