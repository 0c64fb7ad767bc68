#include "rules/string_set.h"

#include <cassert>

#include "rules/text_index.h"

namespace gate::rules {

struct StringSet::Index {
  TextIndex texts;
};

StringSet::StringSet() = default;
StringSet::StringSet(StringSet&&) noexcept = default;
StringSet& StringSet::operator=(StringSet&&) noexcept = default;
StringSet::~StringSet() = default;

StringSet::StringSet(std::span<const std::string> entries,
                     std::span<const uint32_t> lines) {
  assert(lines.empty() || lines.size() == entries.size());
  size_t bytes = 0;
  for (const std::string& entry : entries) bytes += entry.size();
  auto index = std::make_unique<Index>();
  index->texts.Reserve(entries.size(), bytes);
  for (size_t i = 0; i < entries.size(); ++i) {
    index->texts.Add(entries[i], lines.empty() ? 0 : lines[i]);
  }
  index_ = std::move(index);
}

std::optional<uint32_t> StringSet::Find(std::string_view text) const {
  return index_ == nullptr ? std::nullopt : index_->texts.Find(text);
}

size_t StringSet::size() const {
  return index_ == nullptr ? 0 : index_->texts.size();
}

}  // namespace gate::rules
