#include "rules/text_index.h"

#include <cassert>
#include <cstring>
#include <limits>

namespace gate::rules {

void TextIndex::Reserve(size_t entries, size_t bytes) {
  offsets_.reserve(entries);
  text_.reserve(bytes + entries * sizeof(Length));
}

void TextIndex::Add(std::string_view entry) {
  if (Contains(entry)) return;
  assert(text_.size() + entry.size() < std::numeric_limits<uint32_t>::max());
  const auto offset = static_cast<uint32_t>(text_.size());
  const auto length = static_cast<Length>(entry.size());
  text_.append(reinterpret_cast<const char*>(&length), sizeof(length));
  text_ += entry;
  offsets_.insert(offset);
}

bool TextIndex::Contains(std::string_view entry) const {
  ReverseHash hash;
  hash.AddText(entry);
  return Contains(entry, hash);
}

std::string_view TextIndex::EntryAt(const std::string& text, uint32_t offset) {
  Length length = 0;
  std::memcpy(&length, text.data() + offset, sizeof(length));
  return std::string_view(text).substr(offset + sizeof(length), length);
}

size_t TextIndex::Hash::operator()(uint32_t offset) const {
  ReverseHash hash;
  hash.AddText(EntryAt(*text, offset));
  return hash.value();
}

}  // namespace gate::rules
