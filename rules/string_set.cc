#include "rules/string_set.h"

#include "rules/text_index.h"

namespace gate::rules {

struct StringSet::Index {
  TextIndex texts;
};

StringSet::StringSet() = default;
StringSet::StringSet(StringSet&&) noexcept = default;
StringSet& StringSet::operator=(StringSet&&) noexcept = default;
StringSet::~StringSet() = default;

StringSet::StringSet(std::span<const std::string> entries) {
  size_t bytes = 0;
  for (const std::string& entry : entries) bytes += entry.size();
  auto index = std::make_unique<Index>();
  index->texts.Reserve(entries.size(), bytes);
  for (const std::string& entry : entries) index->texts.Add(entry);
  index_ = std::move(index);
}

bool StringSet::Contains(std::string_view text) const {
  return index_ != nullptr && index_->texts.Contains(text);
}

size_t StringSet::size() const {
  return index_ == nullptr ? 0 : index_->texts.size();
}

}  // namespace gate::rules
