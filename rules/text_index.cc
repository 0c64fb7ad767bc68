#include "rules/text_index.h"

#include <cassert>
#include <limits>

namespace gate::rules {

void TextIndex::Reserve(size_t entries, size_t bytes) {
  offsets_.reserve(entries);
  text_.reserve(bytes + entries * sizeof(Head));
}

void TextIndex::Add(std::string_view entry, uint32_t line) {
  if (Find(entry)) return;
  assert(text_.size() + entry.size() < std::numeric_limits<uint32_t>::max());
  const auto offset = static_cast<uint32_t>(text_.size());
  const Head head{static_cast<uint32_t>(entry.size()), line};
  text_.append(reinterpret_cast<const char*>(&head), sizeof(head));
  text_ += entry;
  offsets_.insert(offset);
}

std::optional<uint32_t> TextIndex::Find(std::string_view entry) const {
  ReverseHash hash;
  hash.AddText(entry);
  return Find(entry, hash);
}

std::string_view TextIndex::EntryAt(const std::string& text, uint32_t offset) {
  return std::string_view(text).substr(offset + sizeof(Head),
                                       HeadAt(text, offset).length);
}

size_t TextIndex::Hash::operator()(uint32_t offset) const {
  ReverseHash hash;
  hash.AddText(EntryAt(*text, offset));
  return hash.value();
}

}  // namespace gate::rules
